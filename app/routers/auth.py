"""Signing in with Google, and out; confirming with a security key."""

from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import urlencode

import structlog
from fastapi import APIRouter, Form, Request, Response

from app.deps import ContextDep, MaybeCallerDep, PortalDep, SessionDep, SignInDep, cookie_name
from app.errors import ConflictError, InvalidError, RefusedError, StationmasterError
from app.infra.oidc import Identity, SignInFailedError
from app.models import SignIn
from app.models.sign_in import FRESH_FOR
from app.routers.paths import NEW_SECURITY_KEY, local_path
from app.services.context import Context
from app.services.people import fresh_sign_ins, members, refusals, security_keys, sign_ins
from app.services.people.fresh_sign_ins import Proof
from app.web import redirect, render

router = APIRouter(include_in_schema=False)
log = structlog.get_logger()


@router.get("/sign-in", name="sign_in_page")
async def sign_in_page(
    request: Request,
    caller: MaybeCallerDep,
    portal: PortalDep,
    session: SessionDep,
    next: str = "/",  # noqa: A002 - the query's name
) -> Response:
    """The page with the sign-in button. Members who are signed in get here if an action requires a fresh sign-in."""
    path = local_path(next)
    if caller is None or caller.sign_in is None:
        return _google_page(request, None, next=path)
    ctx = portal.context(session, caller.member)
    if await fresh_sign_ins.is_fresh(ctx, caller.sign_in):
        return redirect(path)
    proof = await fresh_sign_ins.proof_of(ctx, caller.member)
    if proof is Proof.SECURITY_KEY:
        return await _key_page(request, ctx, caller.sign_in, path)
    if proof is Proof.GOOGLE:
        return _google_page(request, proof, next=path, fresh="1")
    if await fresh_sign_ins.may_add_key(ctx, caller.sign_in):
        return redirect(NEW_SECURITY_KEY)
    return _google_page(request, proof, next=NEW_SECURITY_KEY, fresh="1")


def _google_page(request: Request, proof: Proof | None, **asked: str) -> Response:
    return render(request, "auth/sign_in.html", {"start": f"/auth/start?{urlencode(asked)}", "proof": proof})


async def _key_page(
    request: Request, ctx: Context, sign_in: SignIn, path: str, error: StationmasterError | None = None
) -> Response:
    context = {
        "options": await security_keys.offer_use(ctx, sign_in),
        "names": [key.name for key in await security_keys.usable(ctx, ctx.member)],
        "next": path,
        "error": error,
    }
    return render(request, "auth/security_key.html", context, status=error.status if error else 200)


@router.post("/sign-in/security-key")
async def confirm_with_key(
    request: Request,
    ctx: ContextDep,
    sign_in: SignInDep,
    response: Annotated[str, Form()] = "",
    next: Annotated[str, Form()] = "/",  # noqa: A002 - the field's name
) -> Response:
    """Make this browser's sign-in fresh by a security key. If that is not possible, the page says why."""
    path = local_path(next)
    if not await security_keys.usable(ctx, ctx.member):
        raise ConflictError("Your account has no security key that works here.", hint="Open /sign-in to continue.")
    try:
        await security_keys.use(ctx, sign_in, response)
    except (InvalidError, RefusedError) as error:
        return await _key_page(request, ctx, sign_in, path, error)
    log.info("confirmed by a security key", member=ctx.member.id, sign_in=sign_in.id)
    return redirect(path)


@router.get("/auth/start")
async def start(request: Request, portal: PortalDep, next: str = "/", fresh: bool = False) -> Response:  # noqa: A002 - the query's name
    """Redirect to Google."""
    request.session.clear()
    # Signed into the cookie that holds this round trip's state: the callback's address can claim nothing.
    request.session.update(next=local_path(next), fresh_at=portal.clock().timestamp() if fresh else None)
    return await portal.openid.send(request, fresh=fresh)


@router.get("/auth/callback")
async def callback(request: Request, portal: PortalDep, session: SessionDep) -> Response:
    """Handle Google's redirect: sign this browser in, and end its previous sign-in."""
    path, asked_at = local_path(request.session.get("next")), request.session.get("fresh_at")
    identity = await portal.openid.receive(request)
    request.session.clear()
    ctx = portal.context(session)
    confirmed_at = _confirmed_at(identity, asked_at, ctx) if asked_at else None
    try:
        member = await members.sign_in(ctx, identity)
    except RefusedError as error:
        # The audit entry gets its own transaction, because the error rolls back the request's, whose lock it waits for.
        await session.rollback()
        async with portal.database.sessions.begin() as apart:
            await refusals.refuse(portal.context(apart), identity, error.message)
        raise
    await _sign_out(request, ctx)
    sign_in = await sign_ins.start(
        ctx.acting(member),
        address=request.client.host if request.client else "",
        user_agent=request.headers.get("user-agent", ""),
        confirmed_at=confirmed_at,
    )
    await sign_ins.forget_ended(session, ctx.now)
    log.info("signed in", member=member.id, sign_in=sign_in.row.id)
    response = redirect(path)
    response.set_cookie(
        cookie_name(portal.settings),
        sign_in.secret,
        max_age=portal.settings.session_hours * 3600,
        httponly=True,
        samesite="lax",
        secure=portal.settings.is_https,
    )
    return response


def _confirmed_at(identity: Identity, asked_at: float, ctx: Context) -> datetime:
    """Since when a sign-in that was asked for as fresh is one: by the issuer's proof, or by when it was asked for."""
    if not ctx.settings.oidc_proves_time:
        return datetime.fromtimestamp(asked_at, UTC)
    proved_at = identity.proved_at
    if proved_at is None or ctx.now - proved_at >= FRESH_FOR:
        raise SignInFailedError(
            "Google did not confirm that you entered your password in the last ten minutes.",
            hint="Sign out at Google, then sign in again.",
        )
    # A clock that goes ahead must not make it last longer.
    return min(proved_at, ctx.now)


@router.post("/sign-out")
async def sign_out(request: Request, portal: PortalDep, session: SessionDep) -> Response:
    """End this browser's sign-in."""
    await _sign_out(request, portal.context(session))
    response = redirect("/sign-in")
    response.delete_cookie(cookie_name(portal.settings), httponly=True, samesite="lax", secure=portal.settings.is_https)
    return response


async def _sign_out(request: Request, ctx: Context) -> None:
    secret = request.cookies.get(cookie_name(ctx.settings))
    if secret:
        await sign_ins.sign_out(ctx, secret)
