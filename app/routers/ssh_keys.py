"""The pages of a member's SSH keys, of the workstations that accept them, and of the username on new machines."""

from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import PlainTextResponse

from app.deps import ContextDep, IdPath, MemberDep, SessionDep, SignInDep
from app.errors import InvalidError
from app.services import ssh_setups
from app.services.context import Context
from app.services.keys import machine_keys, public_keys, ssh_keys
from app.services.people import fresh_sign_ins, members
from app.web import redirect, redirect_to_sign_in, render

router = APIRouter(prefix="/ssh-keys", include_in_schema=False)
log = structlog.get_logger()
Text = Annotated[str, Form()]


@router.get("")
async def list_page(request: Request, ctx: ContextDep) -> Response:
    """The keys, the workstations that accept them, and forms to generate or add a key."""
    return render(request, "ssh_keys/list.html", await _context(ctx), fragment="ssh_keys/_show.html")


@router.post("")
async def add(request: Request, ctx: ContextDep, name: Text = "", public_key: Text = "") -> Response:
    """Add a public key. Invalid fields are shown with their errors and what was typed."""
    try:
        key = await ssh_keys.add(ctx, name.strip(), public_key)
    except InvalidError as error:
        kept = "" if public_keys.is_private(public_key) else public_key
        pasted = {"name": name, "public_key": kept, "problems": error.fields}
        return render(request, "ssh_keys/list.html", await _context(ctx, pasted=pasted), status=422)
    return redirect(f"/ssh-keys#key-{key.id}")


@router.post("/generate")
async def generate(request: Request, ctx: ContextDep, pair_name: Text = "") -> Response:
    """Generate a key pair."""
    try:
        key = await ssh_keys.generate(ctx, pair_name.strip())
    except InvalidError as error:
        pair = {"name": pair_name, "problems": error.fields}
        return render(request, "ssh_keys/list.html", await _context(ctx, pair=pair), status=422)
    return redirect(f"/ssh-keys#key-{key.id}")


@router.get("/{key_id}/private")
async def download_private_key(key_id: IdPath, ctx: ContextDep, sign_in: SignInDep) -> Response:
    """The private key as a file. Requires a fresh sign-in."""
    key = await ssh_keys.find(ctx.session, ctx.member, key_id)
    if not await fresh_sign_ins.is_fresh(ctx, sign_in):
        # The sign-in returns to the page, not to the file: after a download the browser would still show Google.
        return redirect_to_sign_in(f"/ssh-keys#key-{key.id}")
    text = await ssh_keys.private(ctx, key)
    log.info("private key read", member=ctx.member.id, key=key.id, by="browser")
    headers = {"Cache-Control": "no-store", "Content-Disposition": f'attachment; filename="{key.name}"'}
    return PlainTextResponse(text, headers=headers, media_type="application/octet-stream")


@router.get("/{key_id}/delete")
async def delete_page(request: Request, key_id: IdPath, session: SessionDep, member: MemberDep) -> Response:
    """The confirmation, which says where the key is removed."""
    key = await ssh_keys.find(session, member, key_id)
    machines = await machine_keys.of_member(session, member)
    context = {
        "key": key,
        "machines": [machine for machine in machines if machine.possibly_has(key)],
        "is_last": len(await ssh_keys.list_of(session, member)) == 1,
    }
    return render(request, "ssh_keys/delete.html", context)


@router.post("/{key_id}/delete")
async def delete(key_id: IdPath, ctx: ContextDep) -> Response:
    """Delete the key and queue its removal from every workstation."""
    await ssh_keys.delete(ctx, await ssh_keys.find(ctx.session, ctx.member, key_id))
    return redirect("/ssh-keys")


@router.post("/machines/{workstation_id}")
async def deploy(workstation_id: IdPath, ctx: ContextDep) -> Response:
    """Retry a deployment of the keys that failed."""
    await machine_keys.deploy(ctx, await machine_keys.find(ctx.session, ctx.member, workstation_id))
    return redirect("/ssh-keys#machines")


@router.post("/username")
async def choose_username(request: Request, ctx: ContextDep, ssh_username: Text = "") -> Response:
    """Choose the username on new machines."""
    try:
        await members.choose_ssh_username(ctx, ssh_username.strip())
    except InvalidError as error:
        username = {"name": ssh_username, "problems": error.fields}
        return render(request, "ssh_keys/list.html", await _context(ctx, username=username), status=422)
    return redirect("/ssh-keys#username")


async def _context(
    ctx: Context,
    *,
    pasted: dict[str, Any] | None = None,
    pair: dict[str, Any] | None = None,
    username: dict[str, Any] | None = None,
) -> dict[str, Any]:
    keys = await ssh_keys.list_of(ctx.session, ctx.member)
    machines = await machine_keys.of_member(ctx.session, ctx.member)
    return {
        "keys": keys,
        "machines": machines,
        "ssh_setup": await ssh_setups.state(ctx),
        "is_busy": any(machine.will_be_up_to_date for machine in machines),
        "username": username or {"name": ctx.member.ssh_username, "problems": {}},
        "pasted": pasted or {"name": "", "public_key": "", "problems": {}},
        "pair": pair or {"name": "" if keys else ssh_keys.FIRST_PAIR, "problems": {}},
    }
