"""Setting up SSH on a member's computer: a page with one command, and what that command fetches."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse

from app.deps import ContextDep, FreshSignInDep, PortalDep, SessionDep, SignInDep, bearer_token
from app.models import SignIn
from app.models.ssh_setup import MOST_USES
from app.services.context import Context
from app.services.keys import ssh_config, ssh_keys
from app.services.people import fresh_sign_ins
from app.services.workstations import ssh_setups
from app.services.workstations.ssh_setups import SshFiles
from app.views import ssh_installer
from app.web import redirect_to_sign_in, render

router = APIRouter(include_in_schema=False)


@router.get("/ssh-setup")
async def page(request: Request, ctx: ContextDep, sign_in: SignInDep, _: FreshSignInDep) -> Response:
    """The command that installs the SSH files and the private keys. Requires a fresh sign-in."""
    return await _page(request, ctx, sign_in, with_private_keys=True)


@router.get("/ssh-setup/update")
async def update_page(request: Request, ctx: ContextDep, sign_in: SignInDep) -> Response:
    """The command that installs the SSH files alone, for a computer that has its key."""
    return await _page(request, ctx, sign_in, with_private_keys=False)


async def _page(request: Request, ctx: Context, sign_in: SignIn, *, with_private_keys: bool) -> Response:
    setup = await ssh_setups.begin(ctx, sign_in, with_private_keys=with_private_keys)
    keys = await ssh_keys.list_of(ctx.session, ctx.member)
    url = ctx.settings.public_url
    context = {
        "shell_command": ssh_installer.shell_command(url, setup.plain),
        "powershell_command": ssh_installer.powershell_command(url, setup.plain),
        "expires_at": setup.expires_at,
        "most_uses": MOST_USES,
        "pairs": [key.name for key in keys if with_private_keys and key.has_private_half],
        "own_keys": [key.name for key in keys if not key.has_private_half],
        "with_private_keys": with_private_keys,
        "state": await ssh_setups.state(ctx),
        "archive": ssh_installer.ARCHIVE,
        "include": ssh_config.INCLUDE,
        "is_windows": "Windows" in request.headers.get("user-agent", ""),
    }
    return render(request, "ssh_setup/show.html", context)


@router.get("/ssh-setup/archive")
async def archive(ctx: ContextDep, sign_in: SignInDep) -> Response:
    """The SSH files and the private keys in one file. Requires a fresh sign-in."""
    if not await fresh_sign_ins.is_fresh(ctx, sign_in):
        # The sign-in returns to the page, not to the file: after a download the browser would still show Google.
        return redirect_to_sign_in("/ssh-setup")
    return _archive(ctx, await ssh_setups.files(ctx, with_private_keys=True))


@router.get("/ssh-setup/update/archive")
async def update_archive(ctx: ContextDep, _: SignInDep) -> Response:
    """The SSH files alone in one file."""
    return _archive(ctx, await ssh_setups.files(ctx, with_private_keys=False))


def _archive(ctx: Context, files: SshFiles) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{ssh_installer.ARCHIVE}"'}
    return Response(ssh_installer.archive(files, ctx.now), headers=headers, media_type="application/gzip")


@router.get("/ssh-setup.sh")
async def shell_script(request: Request, portal: PortalDep, session: SessionDep) -> PlainTextResponse:
    """The script for POSIX shells, for the token of a setup command."""
    ctx = portal.context(session)
    return PlainTextResponse(ssh_installer.shell_script(await ssh_setups.use(ctx, bearer_token(request.headers) or "")))


@router.get("/ssh-setup.ps1")
async def powershell_script(request: Request, portal: PortalDep, session: SessionDep) -> PlainTextResponse:
    """The script for PowerShell, for the token of a setup command."""
    ctx = portal.context(session)
    files = await ssh_setups.use(ctx, bearer_token(request.headers) or "")
    return PlainTextResponse(ssh_installer.powershell_script(files))
