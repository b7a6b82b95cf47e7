"""Dependencies of routers: the process's parts, the transaction, the caller, and the rows that the caller may
access."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Annotated, cast
from urllib.parse import urlsplit

from fastapi import Depends, Request
from fastapi.security import HTTPBearer
from pydantic import AfterValidator
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.datastructures import Headers

from app.caller import READING, Caller
from app.clock import Clock
from app.config import Settings
from app.crypto import Vault
from app.db import Database
from app.errors import FreshSignInRequiredError, NotFoundError, SignInRequiredError
from app.failed_sign_ins import FailedSignIns
from app.infra.machine_tokens import MachineTokens
from app.infra.oidc import OpenIdProvider
from app.infra.secrets import SecretStore
from app.live import Hub
from app.models import AllowedIp, ApiToken, Member, Run, Scope, SharedStack, SignIn, Workstation
from app.services import allowed_ips, runs, workstations
from app.services.catalog import Catalog
from app.services.catalog.availability import Availability
from app.services.context import Context
from app.services.people import api_tokens, fresh_sign_ins, members, sign_ins
from app.services.shared import shared_stack


@dataclass(frozen=True)
class Portal:
    """The parts of a web process, created in main.create_app."""

    settings: Settings
    database: Database
    hub: Hub
    vault: Vault
    clock: Clock
    secrets: SecretStore
    openid: OpenIdProvider
    catalog: Catalog
    failed_sign_ins: FailedSignIns
    machine_tokens: MachineTokens

    def context(self, session: AsyncSession, actor: Member | None = None) -> Context:
        """The context for services in this transaction, on behalf of a member."""
        return Context(session, self.settings, self.catalog, self.secrets, self.vault, self.clock(), actor)


def get_portal(request: Request) -> Portal:
    """The parts of this process."""
    portal = cast("Portal", request.app.state.portal)
    # Before anything is read: what changes from now on, the page's stream signals.
    request.state.moment = getattr(request.state, "moment", portal.hub.moment)
    return portal


PortalDep = Annotated[Portal, Depends(get_portal)]


async def get_session(portal: PortalDep) -> AsyncIterator[AsyncSession]:
    """The request's transaction: committed before the response is sent, rolled back after an error."""
    async with portal.database.transaction() as session:
        yield session


# scope="function": otherwise FastAPI would commit after the response, and a browser could follow a redirect earlier.
SessionDep = Annotated[AsyncSession, Depends(get_session, scope="function")]


async def get_availability(session: SessionDep) -> Availability:
    """The zones and quotas that the project has, as a worker last saw them."""
    return await Availability.read(session)


AvailabilityDep = Annotated[Availability, Depends(get_availability)]


async def get_catalog(portal: PortalDep, availability: AvailabilityDep) -> Catalog:
    """The catalog, limited to what the project has."""
    return availability.narrow(portal.catalog)


CatalogDep = Annotated[Catalog, Depends(get_catalog)]


def is_identifier(text: str) -> bool:
    """Whether a text can be an identifier. PostgreSQL would refuse a NUL, for example."""
    return text.isascii() and text.isalnum()


def _known_form(identifier: str) -> str:
    if not is_identifier(identifier):
        raise NotFoundError
    return identifier


IdPath = Annotated[str, AfterValidator(_known_form)]
"""An identifier in a path. An invalid one results in 404."""


def cookie_name(settings: Settings) -> str:
    """The name of the session cookie. It contains the port, because browsers share cookies among ports of a host."""
    port = urlsplit(settings.public_url).port
    return f"stationmaster-{port}" if port else "stationmaster"


def bearer_token(headers: Headers) -> str | None:
    """The bearer token of a request, which may be empty; None if there is none. With a token, cookies are ignored."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


async def get_caller(
    request: Request,
    portal: PortalDep,
    session: SessionDep,
    # Only for the OpenAPI document. `bearer_token` also refuses an empty token, which this one accepts.
    _documented: Annotated[object, Depends(HTTPBearer(auto_error=False, description="A personal API token."))],
) -> Caller | None:
    """Who makes the request; None if nobody is signed in. Raises SignInRequiredError if a token is no longer valid.

    Members who may no longer sign in count as nobody.
    """
    token = bearer_token(request.headers)
    caller = await (_by_cookie(request, portal, session) if token is None else _by_token(token, portal, session))
    if caller and caller.member.may_sign_in(portal.settings):
        request.state.viewer = caller.viewer
        return caller
    if caller and token is not None:
        raise SignInRequiredError(f"{caller.member.email} can no longer sign in, so this API token is not accepted.")
    if token is not None:
        raise SignInRequiredError("This API token is not valid, or was revoked.")
    return None


async def _by_cookie(request: Request, portal: Portal, session: AsyncSession) -> Caller | None:
    secret = request.cookies.get(cookie_name(portal.settings))
    sign_in = await sign_ins.find(session, secret, portal.clock()) if secret else None
    return Caller(sign_in.member, sign_in=sign_in) if sign_in else None


async def _by_token(plain: str, portal: Portal, session: AsyncSession) -> Caller | None:
    token = await api_tokens.authenticate(session, plain, portal.clock())
    return Caller(token.member, token=token) if token else None


async def is_still_signed_in(request: Request, portal: Portal) -> bool:
    """Whether the caller is still signed in, for responses that continue for a long time."""
    async with portal.database.transaction() as session:
        try:
            return await get_caller(request, portal, session, None) is not None
        except SignInRequiredError:
            return False


MaybeCallerDep = Annotated[Caller | None, Depends(get_caller)]


async def get_known_caller(request: Request, caller: MaybeCallerDep) -> Caller:
    """Who makes the request.

    Raises SignInRequiredError if nobody is signed in, and ScopeRequiredError for a token that can only read if the
    request changes something.
    """
    if caller is None:
        raise SignInRequiredError
    caller.need(Scope.READ if request.method in READING else Scope.MACHINES)
    return caller


CallerDep = Annotated[Caller, Depends(get_known_caller)]


async def get_member(caller: CallerDep) -> Member:
    """The member who makes the request."""
    return caller.member


MemberDep = Annotated[Member, Depends(get_member)]


async def get_admin(caller: CallerDep) -> Member:
    """The admin who makes the request."""
    return caller.as_admin()


AdminDep = Annotated[Member, Depends(get_admin)]


async def get_member_in_path(member_id: IdPath, session: SessionDep, _: AdminDep) -> Member:
    """The member in the path, for admins. Raises NotFoundError."""
    return await members.find(session, member_id)


MemberInPathDep = Annotated[Member, Depends(get_member_in_path)]


async def get_context(portal: PortalDep, session: SessionDep, member: MemberDep, catalog: CatalogDep) -> Context:
    """The context for services in this request, on behalf of the caller."""
    return replace(portal.context(session, member), catalog=catalog)


ContextDep = Annotated[Context, Depends(get_context)]


async def get_sign_in(caller: CallerDep) -> SignIn:
    """The browser's sign-in, for actions that an API token may not do, such as creating tokens."""
    if caller.sign_in is None:
        raise SignInRequiredError("API tokens can't do this. Sign in with a browser.")
    return caller.sign_in


SignInDep = Annotated[SignIn, Depends(get_sign_in)]


async def get_fresh_caller(caller: CallerDep, ctx: ContextDep) -> Caller:
    """Who makes the request. Raises FreshSignInRequiredError if a browser's sign-in is no fresh one.

    What wants this gives more away than a token that can only read may have.
    """
    caller.need(Scope.MACHINES)
    if caller.sign_in and not await fresh_sign_ins.is_fresh(ctx, caller.sign_in):
        raise FreshSignInRequiredError
    return caller


FreshSignInDep = Annotated[Caller, Depends(get_fresh_caller)]


def _need_for(caller: Caller, *, is_own: bool) -> None:
    """Raises ScopeRequiredError where an admin's token of narrower scope is for something of another member."""
    if not is_own:
        caller.need(Scope.ADMIN)


async def get_workstation(workstation_id: IdPath, session: SessionDep, caller: CallerDep) -> Workstation:
    """The workstation in the path. Raises NotFoundError if the member may not see it."""
    workstation = await workstations.find(session, caller.member, workstation_id)
    _need_for(caller, is_own=workstation.owner_id == caller.member.id)
    return workstation


WorkstationDep = Annotated[Workstation, Depends(get_workstation)]


_MachinesToken = Annotated[object, Depends(HTTPBearer(scheme_name="Machine", auto_error=False))]


async def get_machines_own(request: Request, portal: PortalDep, session: SessionDep, _: _MachinesToken) -> Workstation:
    """The workstation whose machine makes the request, locked. Raises SignInRequiredError, NotFoundError."""
    machine = await portal.machine_tokens.verify(bearer_token(request.headers) or "", portal.clock())
    return await workstations.of_machine(session, machine)


MachinesOwnDep = Annotated[Workstation, Depends(get_machines_own)]


async def get_shared_stack(ctx: ContextDep, _: AdminDep) -> SharedStack:
    """The shared stack, for admins."""
    return await shared_stack.find(ctx)


SharedStackDep = Annotated[SharedStack, Depends(get_shared_stack)]


async def get_run(run_id: IdPath, session: SessionDep, caller: CallerDep) -> Run:
    """The run in the path. Raises NotFoundError if the member may not see it."""
    run = await runs.find(session, caller.member, run_id)
    _need_for(caller, is_own=not caller.token or await runs.is_of(session, caller.member, run))
    return run


RunDep = Annotated[Run, Depends(get_run)]


async def get_allowed_ip(allowed_ip_id: IdPath, session: SessionDep, caller: CallerDep) -> AllowedIp:
    """The allowed IP in the path. Raises NotFoundError if the member may not see it."""
    ip = await allowed_ips.find(session, caller.member, allowed_ip_id)
    _need_for(caller, is_own=ip.owner_id == caller.member.id)
    return ip


AllowedIpDep = Annotated[AllowedIp, Depends(get_allowed_ip)]


async def get_api_token(token_id: IdPath, session: SessionDep, caller: CallerDep) -> ApiToken:
    """The API token in the path. Raises NotFoundError if the member may not see it."""
    token = await api_tokens.find(session, caller.member, token_id)
    _need_for(caller, is_own=token.member_id == caller.member.id)
    return token


ApiTokenDep = Annotated[ApiToken, Depends(get_api_token)]
