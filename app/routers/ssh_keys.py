"""The pages of a member's SSH keys, of the workstations that accept them, and of the username on new machines."""

from typing import Annotated

import structlog
from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import PlainTextResponse

from app.deps import ContextDep, IdPath, MemberDep, SessionDep, SignInDep
from app.errors import InvalidError
from app.notices import Done
from app.sent_forms import shown_on
from app.services.keys import machine_keys, ssh_keys
from app.services.people import fresh_sign_ins, members
from app.services.workstations import ssh_setups
from app.web import redirect, redirect_to_sign_in, render

PAGE = "/ssh-keys"
router = APIRouter(prefix=PAGE, include_in_schema=False, dependencies=[shown_on(PAGE)])
log = structlog.get_logger()
Text = Annotated[str, Form()]


@router.get("")
async def list_page(request: Request, ctx: ContextDep) -> Response:
    """The keys, the workstations that accept them, and forms to generate or add a key."""
    keys = await ssh_keys.list_of(ctx.session, ctx.member)
    machines = await machine_keys.of_member(ctx.session, ctx.member)
    context = {
        "keys": keys,
        "machines": machines,
        "ssh_setup": await ssh_setups.state(ctx),
        "is_busy": any(machine.will_be_up_to_date for machine in machines),
        "ssh_username": ctx.member.ssh_username,
        "default_pair_name": "" if keys else ssh_keys.FIRST_PAIR,
    }
    return render(request, "ssh_keys/list.html", context, fragment="ssh_keys/_show.html")


@router.post("")
async def add(ctx: ContextDep, name: Text = "", public_key: Text = "") -> Response:
    """Add a public key."""
    key = await ssh_keys.add(ctx, name.strip(), public_key)
    return redirect(f"{PAGE}#key-{key.id}", Done.KEY_ADDED)


@router.post("/generate")
async def generate(ctx: ContextDep, pair_name: Text = "") -> Response:
    """Generate a key pair."""
    try:
        key = await ssh_keys.generate(ctx, pair_name.strip())
    except InvalidError as error:
        # The page has two fields for names.
        error.fields = {"pair_name" if name == "name" else name: said for name, said in error.fields.items()}
        raise
    return redirect(f"{PAGE}#key-{key.id}", Done.KEY_GENERATED)


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
    return redirect(PAGE, Done.KEY_DELETED)


@router.post("/machines/{workstation_id}")
async def deploy(workstation_id: IdPath, ctx: ContextDep) -> Response:
    """Retry a deployment of the keys that failed."""
    await machine_keys.deploy(ctx, await machine_keys.find(ctx.session, ctx.member, workstation_id))
    return redirect(f"{PAGE}#machines", Done.KEYS_DEPLOYING)


@router.post("/username")
async def choose_username(ctx: ContextDep, ssh_username: Text = "") -> Response:
    """Choose the username on new machines."""
    await members.choose_ssh_username(ctx, ssh_username.strip())
    return redirect(f"{PAGE}#username", Done.USERNAME_SAVED)
