"""Orphans: resources with the portal's label that are in no state."""

from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.crypto import Vault
from app.db import Database
from app.infra.google import Compute, Labelled
from app.infra.ownership import OWNER_LABEL, STACK_LABEL
from app.models import Run, Stack, Workstation
from app.models.run_states import EXECUTING
from app.services import inspections
from app.services.terraform import state_resources, state_versions

INSPECTION = "orphans"


@dataclass(frozen=True)
class Orphan:
    """A resource at Google that is not in the newest state of its stack."""

    id: str
    """The ID for Terraform's import."""
    stack_id: str
    owner: str
    """The owner in its label."""
    belongs_to: str
    """What the portal knows about the stack, in words."""


@dataclass(frozen=True)
class OrphanSearch:
    """The result of a search. `busy` are stacks with a run in progress, which cannot be judged."""

    orphans: list[Orphan]
    busy: list[str]


@dataclass(frozen=True)
class OrphanInspection(OrphanSearch):
    """A search that a worker has made."""

    taken_at: datetime


async def keep(session: AsyncSession, found: OrphanSearch, now: datetime) -> None:
    """Keep it for pages, instead of the one before."""
    await inspections.keep(session, INSPECTION, asdict(found), now)


async def read(session: AsyncSession) -> OrphanInspection | None:
    """The newest search; None if there was none yet."""
    kept = await inspections.read(session, INSPECTION)
    if kept is None:
        return None
    return OrphanInspection([Orphan(**each) for each in kept.content["orphans"]], kept.content["busy"], kept.taken_at)


async def find(database: Database, vault: Vault, compute: Compute) -> OrphanSearch:
    """Compare labelled resources with the states. Raises the errors of Google's clients."""
    things = await compute.labelled(STACK_LABEL)
    async with database.sessions() as session:
        findings = await _compare(session, vault, things)
    # Read again, because a run may have deleted it and ended after Google was asked.
    there = [orphan for orphan in findings.orphans if await compute.labels_of(orphan.id) is not None]
    return replace(findings, orphans=there)


async def _compare(session: AsyncSession, vault: Vault, things: list[Labelled]) -> OrphanSearch:
    labels = {thing.labels[STACK_LABEL] for thing in things}
    executing = select(Run.stack_id).where(Run.status.in_(EXECUTING), Run.stack_id.in_(labels))
    busy = set(await session.scalars(executing))
    known: set[str] = set()
    whose: dict[str, str] = {}
    for stack_id in sorted(labels - busy):
        known |= await _ids(session, vault, stack_id)
        whose[stack_id] = await _whose(session, stack_id)
    orphans = [
        Orphan(thing.id, stack_id, thing.labels.get(OWNER_LABEL, ""), whose[stack_id])
        for thing in sorted(things, key=lambda thing: thing.id)
        if (stack_id := thing.labels[STACK_LABEL]) not in busy and thing.id not in known
    ]
    return OrphanSearch(orphans, sorted(busy))


async def _ids(session: AsyncSession, vault: Vault, stack_id: str) -> set[str]:
    state = await state_versions.newest(session, vault, stack_id)
    if state is None:
        return set()
    held = [instance.attributes.value for instance in state_resources.instances(state)]
    return {id_ for attributes in held for id_ in (str(attributes.get("id")), *_boot_disks(attributes))}


def _boot_disks(attributes: dict[str, Any]) -> list[str]:
    """A machine's boot disk, which Google creates and deletes with the machine. MLflow's has the machine's labels."""
    sources = [str(disk.get("source") or "") for disk in attributes.get("boot_disk") or []]
    return [source[source.index("projects/") :] for source in sources if "projects/" in source]


async def _whose(session: AsyncSession, stack_id: str) -> str:
    if await session.get(Stack, stack_id) is None:
        return "no such stack"
    workstation = await session.get(Workstation, stack_id)
    if workstation is None:
        return "a stack without a workstation"
    return f"{workstation.name} ({workstation.status})"
