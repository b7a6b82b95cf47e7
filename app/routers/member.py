"""The admins' page of one member: role, limits, access, and all that is theirs."""

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response

from app.deps import ContextDep, IdPath, MemberInPathDep, SignInDep
from app.models import Member, Role
from app.notices import Done
from app.sent_forms import shown_on
from app.services.keys import ssh_keys
from app.services.offboarding import access, belongings
from app.services.people import api_tokens, fresh_sign_ins, limits, roles, security_keys, sign_ins
from app.services.people.limits import Chosen
from app.web import redirect, redirect_to_sign_in, render

PAGE = "/admin/members/{member_id}"
router = APIRouter(prefix=PAGE, dependencies=[shown_on(PAGE)])
Limit = Annotated[str, Form()]


@router.get("")
async def page(request: Request, member: MemberInPathDep, ctx: ContextDep) -> Response:
    """The page."""
    context: dict[str, Any] = {
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
    }
    return render(request, "members/show.html", context)


def _address(member: Member) -> str:
    return f"/admin/members/{member.id}"


@router.get("/role")
async def role_page(request: Request, member: MemberInPathDep) -> Response:
    """The confirmation, which says what the other role may do."""
    return render(request, "members/role.html", {"member": member})


@router.post("/role")
async def change_role(
    member: MemberInPathDep, ctx: ContextDep, sign_in: SignInDep, role: Annotated[Role, Form()]
) -> Response:
    """Change the member's role. Requires a fresh sign-in of the admin."""
    if not await fresh_sign_ins.is_fresh(ctx, sign_in):
        return redirect_to_sign_in(f"{_address(member)}/role")
    await roles.change_role(ctx, member, role)
    return redirect(_address(member), Done.ROLE_CHANGED)


@router.post("/disable")
async def disable(member: MemberInPathDep, ctx: ContextDep) -> Response:
    """Shut the member out."""
    await access.disable(ctx, member)
    return redirect(_address(member), Done.MEMBER_DISABLED)


@router.post("/enable")
async def enable(member: MemberInPathDep, ctx: ContextDep) -> Response:
    """Let the member in again."""
    await access.enable(ctx, member)
    return redirect(_address(member), Done.MEMBER_ENABLED)


@router.post("/sign-out")
async def sign_out(member: MemberInPathDep, ctx: ContextDep) -> Response:
    """End all sessions of the member."""
    await sign_ins.end_all(ctx, member)
    return redirect(_address(member), Done.SIGNED_OUT)


@router.post("/tokens/{token_id}/revoke")
async def revoke_token(member: MemberInPathDep, token_id: IdPath, ctx: ContextDep) -> Response:
    """Revoke one of the member's tokens."""
    await api_tokens.revoke(ctx, await api_tokens.own(ctx.session, member, token_id))
    return redirect(_address(member), Done.ACCESS_REVOKED)


@router.post("/ssh-keys/{key_id}/delete")
async def delete_key(member: MemberInPathDep, key_id: IdPath, ctx: ContextDep) -> Response:
    """Delete one of the member's SSH keys."""
    await ssh_keys.delete(ctx, await ssh_keys.find(ctx.session, member, key_id))
    return redirect(_address(member), Done.KEY_DELETED)


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
    member: MemberInPathDep,
    ctx: ContextDep,
    workstation_limit: Limit = "",
    gpu_workstation_limit: Limit = "",
) -> Response:
    """Set the member's own limits."""
    await limits.change(ctx, member, limits.parse(workstation_limit, gpu_workstation_limit))
    return redirect(f"{_address(member)}#limits", Done.LIMITS_SAVED)
