"""Signing in with Google, and out."""

from datetime import UTC, datetime
from urllib.parse import urlencode

import structlog
from fastapi import APIRouter, Request, Response

from app.deps import MaybeCallerDep, PortalDep, SessionDep, cookie_name
from app.errors import RefusedError
from app.infra.oidc import Identity, SignInFailedError
from app.models.sign_in import FRESH_FOR
from app.routers.paths import local_path
from app.services.context import Context
from app.services.people import members, refusals, sign_ins
from app.web import redirect, render

router = APIRouter(include_in_schema=False)
log = structlog.get_logger()


@router.get("/sign-in", name="sign_in_page")
async def sign_in_page(request: Request, caller: MaybeCallerDep, portal: PortalDep, next: str = "/") -> Response:  # noqa: A002 - the query's name
    """The page with the sign-in button. Members who are signed in get here if an action requires a fresh sign-in."""
    path = local_path(next)
    sign_in = caller.sign_in if caller else None
    if sign_in and sign_in.is_fresh(portal.clock()):
        return redirect(path)
    asked = {"next": path, "fresh": "1"} if sign_in else {"next": path}
    context = {"start": f"/auth/start?{urlencode(asked)}", "again": sign_in is not None}
    return render(request, "auth/sign_in.html", context)


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
