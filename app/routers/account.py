"""A member's account: API tokens, security keys and active sessions."""

from typing import Annotated

import structlog
from fastapi import APIRouter, Form, Request, Response

from app.deps import ContextDep, IdPath, SignInDep
from app.infra.relying_party import unavailable_because
from app.models import Scope
from app.notices import Done
from app.sent_forms import SentFormDep, redirect_with, shown_on
from app.services.people import api_tokens, fresh_sign_ins, security_keys, sign_ins
from app.views.browser_name import browser_name
from app.web import redirect, redirect_to_sign_in, render

PAGE = "/account"
router = APIRouter(prefix=PAGE, include_in_schema=False, dependencies=[shown_on(PAGE)])
log = structlog.get_logger()


@router.get("")
async def page(request: Request, ctx: ContextDep, _: SignInDep, sent: SentFormDep) -> Response:
    """The account page. After a token was created, it shows that as well, and must not be cached."""
    context = {
        "browser_name": browser_name,
        "sign_ins": await sign_ins.list_of(ctx.session, ctx.member, ctx.now),
        "tokens": await api_tokens.list_of(ctx.session, ctx.member, ctx.now),
        "security_keys": await security_keys.list_of(ctx.session, ctx.member),
        "usable_keys": await security_keys.usable(ctx, ctx.member),
        "keys_unavailable_because": unavailable_because(ctx.settings),
        "keys_are_required": await fresh_sign_ins.is_required(ctx),
        "now": ctx.now,
        "scopes": Scope.of(ctx.member),
        "default_scope": Scope.MACHINES,
        "default_days": api_tokens.DAYS,
    }
    response = render(request, "account/account.html", context)
    if sent.get("new_token"):
        response.headers["Cache-Control"] = "no-store"
    return response


@router.post("/sign-ins/{sign_in_id}/revoke")
async def revoke_sign_in(sign_in_id: IdPath, ctx: ContextDep, _: SignInDep) -> Response:
    """Sign one browser out."""
    await sign_ins.revoke(ctx, sign_in_id)
    log.info("sign-in revoked", member=ctx.member.id, sign_in=sign_in_id)
    return redirect(PAGE, Done.SESSION_REVOKED)


@router.post("/tokens")
async def create_token(
    request: Request,
    ctx: ContextDep,
    sign_in: SignInDep,
    name: Annotated[str, Form()] = "",
    scope: Annotated[Scope, Form()] = Scope.MACHINES,
    days: Annotated[int, Form()] = api_tokens.DAYS,
) -> Response:
    """Create a token. The page that follows shows it once.

    Requires a fresh sign-in: the token reads private keys without one.
    """
    if not await fresh_sign_ins.is_fresh(ctx, sign_in):
        return redirect_to_sign_in("/account#tokens")
    token = await api_tokens.create(ctx, name, scope, days)
    log.info("API token made", member=ctx.member.id, token=token.row.id)
    return redirect_with(request, PAGE, [("new_token", token.plain)])


@router.post("/tokens/{token_id}/revoke")
async def revoke_token(token_id: IdPath, ctx: ContextDep, _: SignInDep) -> Response:
    """Revoke a token."""
    await api_tokens.revoke(ctx, await api_tokens.own(ctx.session, ctx.member, token_id))
    log.info("API token revoked", member=ctx.member.id, token=token_id)
    return redirect(PAGE, Done.ACCESS_REVOKED)
