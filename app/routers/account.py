"""A member's account: where they are signed in, and their API tokens."""

from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Form, Request, Response

from app.deps import IdPath, MemberDep, PortalDep, SessionDep, SignInDep
from app.errors import InvalidError
from app.services.people import api_tokens, sign_ins
from app.web import redirect, render

router = APIRouter(prefix="/account", include_in_schema=False)
log = structlog.get_logger()


@router.get("")
async def page(request: Request, portal: PortalDep, session: SessionDep, member: MemberDep, _: SignInDep) -> Response:
    """The account."""
    return render(request, "account/account.html", await _context(session, member, portal))


@router.post("/sign-ins/{sign_in_id}/revoke")
async def revoke_sign_in(
    sign_in_id: IdPath, portal: PortalDep, session: SessionDep, member: MemberDep, _: SignInDep
) -> Response:
    """Sign one browser out."""
    await sign_ins.revoke(session, member, sign_in_id, portal.clock())
    log.info("sign-in revoked", member=member.id, sign_in=sign_in_id)
    return redirect("/account")


@router.post("/tokens")
async def create_token(
    request: Request,
    portal: PortalDep,
    session: SessionDep,
    member: MemberDep,
    _: SignInDep,
    name: Annotated[str, Form()] = "",
) -> Response:
    """Make a token. This answer is the one place where it is shown, so it is no redirect, and is not stored."""
    try:
        token, plain = await api_tokens.create(session, member, name, portal.clock())
    except InvalidError as error:
        context = await _context(session, member, portal)
        return render(request, "account/account.html", {**context, "typed": name, "problems": error.fields}, status=422)
    log.info("API token made", member=member.id, token=token.id)
    context = await _context(session, member, portal)
    response = render(request, "account/account.html", {**context, "new_token": plain})
    response.headers["Cache-Control"] = "no-store"
    return response


@router.post("/tokens/{token_id}/revoke")
async def revoke_token(
    token_id: IdPath, portal: PortalDep, session: SessionDep, member: MemberDep, _: SignInDep
) -> Response:
    """End a token."""
    await api_tokens.revoke(session, member, token_id, portal.clock())
    log.info("API token revoked", member=member.id, token=token_id)
    return redirect("/account")


async def _context(session: SessionDep, member: MemberDep, portal: PortalDep) -> dict[str, Any]:
    return {
        "sign_ins": await sign_ins.list_of(session, member, portal.clock()),
        "tokens": await api_tokens.list_of(session, member),
        "typed": "",
        "problems": {},
        "new_token": None,
    }
