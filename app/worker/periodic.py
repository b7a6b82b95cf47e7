"""The portal's own decisions, made every minute: expiries, scheduled checks, what happens to workstations by itself,
keys that still have to be deployed, and the thinning of records and snapshots."""

from typing import Protocol

import structlog

from app import queue
from app.models import Run, Workstation
from app.services import allowed_ips
from app.services.context import Context
from app.services.keys import machine_keys
from app.services.shared import leavers, shared_stack
from app.services.workstations import (
    activities,
    bulk,
    capacity_moves,
    daily_snapshots,
    idle_stops,
    lifetimes,
    office_hours,
    opened_snapshots,
    resting,
    spot_returns,
)
from app.worker import snapshots
from app.worker.claim import Tools

log = structlog.get_logger()


class Rule(Protocol):
    """A module that decides when something happens to a workstation by itself."""

    async def due(self, ctx: Context) -> list[str]:
        """IDs of the workstations to which something has to happen now."""
        ...

    async def act(self, ctx: Context, workstation_id: str) -> Run | None:
        """Do it, once; returns the run that was requested, if any."""
        ...


RULES: dict[str, Rule] = {
    "office hours": office_hours,
    "return after a preemption": spot_returns,
    "move for capacity": capacity_moves,
    "end date": lifetimes,
    "idle stop": idle_stops,
    "daily snapshot": daily_snapshots,
    "closing of a snapshot": opened_snapshots,
}
"""By what logs call them."""


async def do(tools: Tools) -> None:
    """Do all of them, each in a separate transaction."""
    async with tools.database.sessions.begin() as session:
        for ip in await allowed_ips.expire(tools.context(session)):
            log.info("allowed IP expired", cidr=ip.cidr, owner=ip.owner_id)
    async with tools.database.sessions.begin() as session:
        run = await leavers.request_if_due(tools.context(session))
        if run:
            log.info("removing the access of people who may not sign in", run=run.id)
    async with tools.database.sessions.begin() as session:
        run = await shared_stack.check_if_due(tools.context(session))
        if run:
            log.info("checking the shared stack for drift", run=run.id)
    async with tools.database.sessions.begin() as session:
        # Their worker was lost.
        for action_id in await bulk.abandoned(session, tools.clock()):
            await queue.enqueue_bulk_action(session, action_id)
    for name, rule in RULES.items():
        await _act(tools, name, rule)
    async with tools.database.sessions.begin() as session:
        await activities.thin(tools.context(session))
    async with tools.database.sessions.begin() as session:
        for snapshot in await daily_snapshots.thin(tools.context(session)):
            log.info("daily snapshot is not kept", snapshot=snapshot.name)
    async with tools.database.sessions.begin() as session:
        for snapshot in await resting.expire(tools.context(session)):
            log.info("snapshot has expired", snapshot=snapshot.name, reason=snapshot.reason)
    await snapshots.delete(tools)
    await snapshots.measure(tools)
    async with tools.database.sessions() as session:
        forgotten = await machine_keys.possibly_outdated(session, tools.clock())
    # One transaction each, since every deployment locks its stack.
    for workstation_id in forgotten:
        async with tools.database.sessions.begin() as session:
            workstation = await session.get_one(Workstation, workstation_id)
            await machine_keys.deploy(tools.context(session), workstation)


async def _act(tools: Tools, name: str, rule: Rule) -> None:
    async with tools.database.sessions.begin() as session:
        due = await rule.due(tools.context(session))
    # One transaction each, since each locks its stack.
    for workstation_id in due:
        async with tools.database.sessions.begin() as session:
            run = await rule.act(tools.context(session), workstation_id)
        if run:
            log.info(name, workstation=workstation_id, run=run.id, kind=run.kind, reason=run.reason)
