"""The admins' page of one member: role, limits, access, and all that is theirs."""

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response

from app.deps import ContextDep, IdPath, MemberInPathDep, SignInDep
from app.errors import ConflictError, InvalidError, StationmasterError
from app.models import Member, Role
from app.services.context import Context
from app.services.keys import ssh_keys
from app.services.offboarding import access, belongings
from app.services.people import api_tokens, fresh_sign_ins, limits, roles, security_keys, sign_ins
from app.services.people.limits import Chosen
from app.web import redirect, redirect_to_sign_in, render

router = APIRouter(prefix="/admin/members/{member_id}")
Limit = Annotated[str, Form()]


@router.get("")
async def page(request: Request, member: MemberInPathDep, ctx: ContextDep) -> Response:
    """The page."""
    return render(request, "members/show.html", await _context(ctx, member))


async def _context(
    ctx: Context, member: Member, error: StationmasterError | None = None, typed: dict[str, str] | None = None
) -> dict[str, Any]:
    """With an error, what was typed as limits."""
    return {
        "member": member,
        "access": member.access(ctx.settings),
        "role_stays_because": await roles.stays_because(ctx, member),
        "access_stays_because": await access.stays_because(ctx, member),
        "allowance": await limits.of(ctx, member),
        "chosen": Chosen.of(member),
        "team": await limits.of_team(ctx),
        "theirs": await belongings.of(ctx, member),
        "security_keys": await security_keys.list_of(ctx.session, member),
        "usable_keys": await security_keys.usable(ctx, member),
        "keys_are_required": await fresh_sign_ins.is_required(ctx),
        "highest": limits.HIGHEST,
        "error": error,
        "typed": typed or {},
    }


def _address(member: Member) -> str:
    return f"/admin/members/{member.id}"


@router.post("/role")
async def change_role(
    request: Request, member: MemberInPathDep, ctx: ContextDep, role: Annotated[Role, Form()]
) -> Response:
    """Change the member's role. If that is not possible, the page says why."""
    try:
        await roles.change_role(ctx, member, role)
    except ConflictError as error:
        return await _refused(request, ctx, member, error)
    return redirect(_address(member))


@router.post("/disable")
async def disable(request: Request, member: MemberInPathDep, ctx: ContextDep) -> Response:
    """Shut the member out. If that is not possible, the page says why."""
    try:
        await access.disable(ctx, member)
    except ConflictError as error:
        return await _refused(request, ctx, member, error)
    return redirect(_address(member))


@router.post("/enable")
async def enable(member: MemberInPathDep, ctx: ContextDep) -> Response:
    """Let the member in again."""
    await access.enable(ctx, member)
    return redirect(_address(member))


@router.post("/sign-out")
async def sign_out(member: MemberInPathDep, ctx: ContextDep) -> Response:
    """End all sessions of the member."""
    await sign_ins.end_all(ctx, member)
    return redirect(_address(member))


@router.post("/tokens/{token_id}/revoke")
async def revoke_token(member: MemberInPathDep, token_id: IdPath, ctx: ContextDep) -> Response:
    """Revoke one of the member's tokens."""
    await api_tokens.revoke(ctx, await api_tokens.own(ctx.session, member, token_id))
    return redirect(_address(member))


@router.post("/ssh-keys/{key_id}/delete")
async def delete_key(member: MemberInPathDep, key_id: IdPath, ctx: ContextDep) -> Response:
    """Delete one of the member's SSH keys."""
    await ssh_keys.delete(ctx, await ssh_keys.find(ctx.session, member, key_id))
    return redirect(_address(member))


@router.post("/security-keys/{security_key_id}/remove")
async def remove_security_key(
    member: MemberInPathDep, security_key_id: IdPath, ctx: ContextDep, sign_in: SignInDep
) -> Response:
    """Remove one of the member's security keys, such as a lost one. Requires a fresh sign-in of the admin."""
    key = await security_keys.own(ctx.session, member, security_key_id)
    if not await fresh_sign_ins.is_fresh(ctx, sign_in):
        return redirect_to_sign_in(f"{_address(member)}#security-keys")
    await security_keys.remove(ctx, key)
    return redirect(f"{_address(member)}#security-keys")


@router.post("/limits")
async def change_limits(
    request: Request,
    member: MemberInPathDep,
    ctx: ContextDep,
    workstation_limit: Limit = "",
    gpu_workstation_limit: Limit = "",
) -> Response:
    """Set the member's own limits."""
    try:
        await limits.change(ctx, member, limits.parse(workstation_limit, gpu_workstation_limit))
    except InvalidError as error:
        typed = {"workstation_limit": workstation_limit, "gpu_workstation_limit": gpu_workstation_limit}
        return await _refused(request, ctx, member, error, typed)
    return redirect(f"{_address(member)}#limits")


async def _refused(
    request: Request, ctx: Context, member: Member, error: StationmasterError, typed: dict[str, str] | None = None
) -> Response:
    return render(request, "members/show.html", await _context(ctx, member, error, typed), status=error.status)
