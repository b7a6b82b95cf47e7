"""The portal's own decisions, made every minute: expiries, scheduled checks, office hours, end dates, idle stops, keys
that still have to be deployed, and the thinning of what machines did."""

import structlog

from app import queue
from app.models import Workstation
from app.services import allowed_ips
from app.services.keys import machine_keys
from app.services.shared import leavers, shared_stack
from app.services.workstations import (
    activities,
    bulk,
    daily_snapshots,
    idle_stops,
    lifetimes,
    office_hours,
    spot_returns,
)
from app.worker import snapshots
from app.worker.claim import Tools

log = structlog.get_logger()


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
    await _keep_office_hours(tools)
    await _return_preempted(tools)
    await _end_workstations(tools)
    await _stop_idle_workstations(tools)
    async with tools.database.sessions.begin() as session:
        await activities.thin(tools.context(session))
    await _take_daily_snapshots(tools)
    await snapshots.delete(tools)
    await snapshots.measure(tools)
    async with tools.database.sessions() as session:
        forgotten = await machine_keys.possibly_outdated(session, tools.clock())
    # One transaction each, since every deployment locks its stack.
    for workstation_id in forgotten:
        async with tools.database.sessions.begin() as session:
            workstation = await session.get_one(Workstation, workstation_id)
            await machine_keys.deploy(tools.context(session), workstation)


async def _keep_office_hours(tools: Tools) -> None:
    async with tools.database.sessions.begin() as session:
        due = await office_hours.due(tools.context(session))
    # One transaction each, since each locks its stack.
    for workstation_id in due:
        async with tools.database.sessions.begin() as session:
            run = await office_hours.act(tools.context(session), workstation_id)
        if run:
            log.info("office hours", workstation=workstation_id, run=run.id, order=run.kind)


async def _return_preempted(tools: Tools) -> None:
    async with tools.database.sessions.begin() as session:
        due = await spot_returns.due(tools.context(session))
    for workstation_id in due:
        async with tools.database.sessions.begin() as session:
            run = await spot_returns.act(tools.context(session), workstation_id)
        if run:
            log.info("starting a preempted machine again", workstation=workstation_id, run=run.id)


async def _take_daily_snapshots(tools: Tools) -> None:
    async with tools.database.sessions.begin() as session:
        due = await daily_snapshots.due(tools.context(session))
    # One transaction each, since each locks its stack.
    for workstation_id in due:
        async with tools.database.sessions.begin() as session:
            run = await daily_snapshots.act(tools.context(session), workstation_id)
        if run:
            log.info("daily snapshot", workstation=workstation_id, run=run.id)
    async with tools.database.sessions.begin() as session:
        for snapshot in await daily_snapshots.thin(tools.context(session)):
            log.info("daily snapshot is not kept", snapshot=snapshot.name)


async def _end_workstations(tools: Tools) -> None:
    async with tools.database.sessions.begin() as session:
        due = await lifetimes.due(tools.context(session))
    for workstation_id in due:
        async with tools.database.sessions.begin() as session:
            run = await lifetimes.act(tools.context(session), workstation_id)
        if run:
            log.info("end date", workstation=workstation_id, run=run.id, kind=run.kind)


async def _stop_idle_workstations(tools: Tools) -> None:
    async with tools.database.sessions.begin() as session:
        due = await idle_stops.due(tools.context(session))
    for workstation_id in due:
        async with tools.database.sessions.begin() as session:
            run = await idle_stops.act(tools.context(session), workstation_id)
        if run:
            log.info("idle stop", workstation=workstation_id, run=run.id, evidence=run.reason)
