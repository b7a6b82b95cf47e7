"""A member's security keys: adding and removing them."""

from typing import Annotated

import structlog
from fastapi import APIRouter, Form, Request, Response

from app.deps import ContextDep, IdPath, SignInDep
from app.errors import ConflictError, InvalidError, StationmasterError
from app.infra.relying_party import unavailable_because
from app.models import SignIn
from app.routers.paths import NEW_SECURITY_KEY
from app.services.context import Context
from app.services.people import fresh_sign_ins, security_keys
from app.web import redirect, redirect_to_sign_in, render

router = APIRouter(prefix="/account/security-keys", include_in_schema=False)
log = structlog.get_logger()
LIST = "/account#security-keys"


@router.get("/new")
async def new_page(request: Request, ctx: ContextDep, sign_in: SignInDep) -> Response:
    """The form to add a key. Requires a fresh sign-in; for the first key, one with Google."""
    if not await fresh_sign_ins.may_add_key(ctx, sign_in):
        return redirect_to_sign_in(NEW_SECURITY_KEY)
    return await _new_page(request, ctx, sign_in)


async def _new_page(
    request: Request, ctx: Context, sign_in: SignIn, name: str = "", error: StationmasterError | None = None
) -> Response:
    unavailable = unavailable_because(ctx.settings)
    context = {
        "unavailable_because": unavailable,
        "options": "" if unavailable else await security_keys.offer_new(ctx, sign_in),
        "is_required": await fresh_sign_ins.is_required(ctx),
        "name": name,
        "error": error,
    }
    return render(request, "account/new_security_key.html", context, status=error.status if error else 200)


@router.post("")
async def add(
    request: Request,
    ctx: ContextDep,
    sign_in: SignInDep,
    name: Annotated[str, Form()] = "",
    response: Annotated[str, Form()] = "",
) -> Response:
    """Add a key by the browser's response. If that is not possible, the page says why."""
    if not await fresh_sign_ins.may_add_key(ctx, sign_in):
        return redirect_to_sign_in(NEW_SECURITY_KEY)
    try:
        key = await security_keys.add(ctx, sign_in, name, response)
    except (ConflictError, InvalidError) as error:
        return await _new_page(request, ctx, sign_in, name, error)
    log.info("security key added", member=ctx.member.id, key=key.id)
    return redirect(LIST)


@router.get("/{security_key_id}/remove")
async def remove_page(request: Request, security_key_id: IdPath, ctx: ContextDep, sign_in: SignInDep) -> Response:
    """The confirmation, which says what follows. Requires a fresh sign-in, as removing does."""
    key = await security_keys.own(ctx.session, ctx.member, security_key_id)
    if not await fresh_sign_ins.is_fresh(ctx, sign_in):
        return redirect_to_sign_in(f"{router.prefix}/{key.id}/remove")
    others = [each for each in await security_keys.usable(ctx, ctx.member) if each is not key]
    context = {"key": key, "is_last": not others, "is_required": await fresh_sign_ins.is_required(ctx)}
    return render(request, "account/remove_security_key.html", context)


@router.post("/{security_key_id}/remove")
async def remove(security_key_id: IdPath, ctx: ContextDep, sign_in: SignInDep) -> Response:
    """Remove a key."""
    key = await security_keys.own(ctx.session, ctx.member, security_key_id)
    if not await fresh_sign_ins.is_fresh(ctx, sign_in):
        return redirect_to_sign_in(f"{router.prefix}/{key.id}/remove")
    await security_keys.remove(ctx, key)
    log.info("security key removed", member=ctx.member.id, key=key.id)
    return redirect(LIST)
