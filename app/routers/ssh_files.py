"""The two files with which `ssh NAME` works, for a browser or an API token."""

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse

from app.deps import MemberDep, PortalDep, SessionDep
from app.routers.api.shapes import text_errors
from app.services import workstations
from app.services.keys import ssh_config, ssh_keys

router = APIRouter(tags=["ssh files"], responses=text_errors(401, 503))


@router.get("/ssh_compute_config", response_class=PlainTextResponse)
async def compute_config(
    request: Request, portal: PortalDep, session: SessionDep, member: MemberDep
) -> PlainTextResponse:
    """The OpenSSH client configuration of your workstations."""
    mine = await workstations.list_of(session, member)
    keys = await ssh_keys.list_of(session, member)
    return _file(request, "ssh_compute_config", ssh_config.compute_config(mine, keys, portal.settings.ssh_port))


@router.get("/ssh_known_hosts", response_class=PlainTextResponse)
async def known_hosts(request: Request, portal: PortalDep, session: SessionDep, member: MemberDep) -> PlainTextResponse:
    """The host keys of your workstations."""
    mine = await workstations.list_of(session, member)
    return _file(request, "ssh_known_hosts", ssh_config.known_hosts(mine, portal.settings.ssh_port))


def _file(request: Request, name: str, text: str) -> PlainTextResponse:
    # Browsers on Windows and macOS save text whose name has no ending as NAME.txt.
    is_browser = "text/html" in request.headers.get("accept", "")
    return PlainTextResponse(
        text,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
        media_type="application/octet-stream" if is_browser else None,
    )
