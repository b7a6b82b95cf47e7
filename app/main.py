"""create_app: assembles the web process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from app import clock, db, middleware, static_files
from app.config import Settings
from app.crypto import Vault
from app.deps import Portal
from app.failed_sign_ins import FailedSignIns
from app.infra.machine_tokens import MachineTokens
from app.infra.oidc import OpenIdProvider
from app.infra.secrets import SecretStore
from app.live import Hub
from app.routers import (
    absent,
    account,
    admin_allowed_ips,
    admin_workstations,
    allowed_ips,
    audit,
    auth,
    bulk_actions,
    capacity,
    consoles,
    doctor,
    end_date,
    handovers,
    health,
    help_pages,
    iam_admins,
    idle_stop,
    infrastructure,
    kept_disks,
    member,
    members,
    office_hours,
    orphans,
    runs,
    security_keys,
    shared_stack,
    snapshots,
    ssh_files,
    ssh_keys,
    ssh_setup,
    stack_states,
    team_policy,
    workstation_changes,
    workstations,
)
from app.routers.api import allowed_ips as api_allowed_ips
from app.routers.api import api_tokens
from app.routers.api import audit as api_audit
from app.routers.api import bulk_actions as api_bulk_actions
from app.routers.api import capacity as api_capacity
from app.routers.api import end_date as api_end_date
from app.routers.api import handovers as api_handovers
from app.routers.api import iam_admins as api_iam_admins
from app.routers.api import idle_stop as api_idle_stop
from app.routers.api import infrastructure as api_infrastructure
from app.routers.api import machine_posts as api_machine_posts
from app.routers.api import machines as api_machines
from app.routers.api import members as api_members
from app.routers.api import office_hours as api_office_hours
from app.routers.api import runs as api_runs
from app.routers.api import shared_stack as api_shared_stack
from app.routers.api import snapshots as api_snapshots
from app.routers.api import ssh_keys as api_ssh_keys
from app.routers.api import team_policy as api_team_policy
from app.routers.api import usage as api_usage
from app.routers.api import workstation_capacity as api_workstation_capacity
from app.routers.api import workstations as api_workstations
from app.services.catalog import Catalog
from app.services.keys import key_pairs
from app.web import add_error_handlers, create_templates

PAGES = (
    *(auth, account, security_keys, ssh_keys, ssh_setup, help_pages),
    *(workstations, workstation_changes, office_hours, end_date, idle_stop, capacity, snapshots),
    *(kept_disks, handovers, stack_states),
    *(allowed_ips, admin_allowed_ips, shared_stack, infrastructure, iam_admins, admin_workstations),
    *(members, member, team_policy),
    *(consoles, bulk_actions, orphans, runs, audit, doctor, health),
)
API = (
    *(api_workstations, api_machines, api_office_hours, api_usage, api_end_date, api_idle_stop, api_snapshots),
    *(api_capacity, api_workstation_capacity),
    *(api_bulk_actions, api_handovers, api_runs, api_ssh_keys, api_shared_stack),
    *(api_allowed_ips, api_infrastructure, api_iam_admins, api_members, api_team_policy),
    *(api_tokens, api_audit, ssh_files, api_machine_posts),
)


def create_app(settings: Settings) -> FastAPI:
    """The portal as an ASGI application."""
    database, openid = db.connect(settings.database_url), OpenIdProvider(settings)
    portal = Portal(
        settings=settings,
        database=database,
        hub=Hub(database),
        vault=Vault(settings.encryption_keys),
        clock=clock.utc_now,
        secrets=SecretStore(settings),
        openid=openid,
        catalog=Catalog.load(settings.catalog_file),
        failed_sign_ins=FailedSignIns(settings, clock.utc_now),
        machine_tokens=MachineTokens(settings, openid),
    )
    app = FastAPI(
        title="Stationmaster",
        description="Workstations on Google Cloud, as JSON. Send a personal API token as `Authorization: Bearer …`.",
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
        lifespan=_lifespan,
    )
    app.state.portal = portal
    app.state.templates = create_templates(settings)
    add_error_handlers(app)
    for noun in PAGES:
        app.include_router(noun.router, include_in_schema=False)
    for noun in API:
        app.include_router(noun.router)
    absent.add_to(app)
    app.mount(static_files.PREFIX, static_files.serve(), name="static")
    middleware.add_to(app, portal)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    portal: Portal = app.state.portal
    portal.hub.start()
    unclaimed = key_pairs.delete_unclaimed_for_ever(portal.database, portal.secrets, portal.clock)
    cleanup = asyncio.create_task(unclaimed, name="unclaimed secrets")
    try:
        yield
    finally:
        cleanup.cancel()
        await portal.hub.stop()
        await portal.secrets.close()
        await portal.database.close()
