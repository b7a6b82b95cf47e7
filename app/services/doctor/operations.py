"""The doctor's checks of what the portal runs: its workers, and what became of workstations and the shared stack.

They need no examination by a worker, so that the page and the command have them as they are now.
"""

from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.models import Member, Worker, Workstation, WorkstationStatus
from app.services.doctor.checks import Check, Verdict
from app.services.runs import stacks
from app.services.terraform import orphans

MOST_NAMES = 5


async def check(session: AsyncSession, now: datetime) -> list[Check]:
    """All checks, in the order in which problems should be fixed.

    There are none before somebody has signed in: a portal that is being set up has nothing running yet.
    """
    if not await session.scalar(select(Member.id).limit(1)):
        return []
    return [await _workers(session, now), await _machines(session), await _drift(session), await _orphans(session)]


async def _workers(session: AsyncSession, now: datetime) -> Check:
    name, why = "Workers", "Only workers carry out runs."
    workers = list(await session.scalars(select(Worker).order_by(Worker.started_at)))
    silent = [worker for worker in workers if worker.seen_at <= now - Worker.ALIVE_FOR]
    alive = len(workers) - len(silent)
    if not alive:
        return Check(name, Verdict.MISSING, "No worker is running.", why, ("stationmaster worker",))
    running = f"{_count(alive, 'worker')} running"
    if silent:
        places = _names([f"process {worker.pid} on {worker.host}" for worker in silent])
        return Check(name, Verdict.WARNING, f"{running}; no heartbeat from {places}.", why)
    return Check(name, Verdict.OK, f"{running}.", why)


async def _machines(session: AsyncSession) -> Check:
    name, why = "Workstations", "Failed ones, and those deleted at Google, may still be billed for disks and addresses."
    dead = {WorkstationStatus.FAILED, WorkstationStatus.MISSING}
    query = select(Workstation.name, Member.email, Workstation.status).join(Member, Member.id == Workstation.owner_id)
    found = await session.execute(query.where(Workstation.status.in_(dead)).order_by(Member.email, Workstation.name))
    words = {WorkstationStatus.FAILED: "failed", WorkstationStatus.MISSING: "deleted at Google"}
    listed = [f"{machine} of {owner} ({words[status]})" for machine, owner, status in found]
    if listed:
        return Check(name, Verdict.WARNING, f"{_names(listed)}.", why)
    return Check(name, Verdict.OK, "None has failed or was deleted at Google.", why)


async def _drift(session: AsyncSession) -> Check:
    name, why = "Drift", "What was changed at Google is undone by the next run, or stops a machine."
    query = select(Workstation.name, Member.email).join(Member, Member.id == Workstation.owner_id)
    is_listed = or_(Workstation.status != WorkstationStatus.DESTROYED, Workstation.disk_kept)
    query = query.where(Workstation.drift_run_id.is_not(None), is_listed).order_by(Member.email, Workstation.name)
    listed = [f"{machine} of {owner}" for machine, owner in await session.execute(query)]
    stack = await stacks.shared(session)
    if stack and stack.has_drifted:
        listed.insert(0, "the shared stack")
    if listed:
        return Check(name, Verdict.WARNING, f"Found in {_names(listed)}.", why)
    return Check(name, Verdict.OK, "None was found by the last checks.", why)


async def _orphans(session: AsyncSession) -> Check:
    name, why = (
        "Orphans",
        "Resources with the portal's label that it has no record of are billed until they are deleted.",
    )
    found = await orphans.read(session)
    if found is None:
        return Check(name, Verdict.OK, "No search yet: a worker searches once a day.", why)
    if found.count:
        orphans_and_snapshots = [each.id for each in found.orphans] + [each.name for each in found.snapshots]
        return Check(name, Verdict.WARNING, f"{_names(orphans_and_snapshots)}.", why)
    return Check(name, Verdict.OK, "None was found by the last search.", why)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _names(names: list[str]) -> str:
    rest = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" and {rest} more" if rest > 0 else "")
