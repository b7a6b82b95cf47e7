"""What Google has of the portal's, and no state knows."""

from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.crypto import Vault
from app.db import Database
from app.infra.google import OWNER_LABEL, STACK_LABEL, Compute, Labelled
from app.models import Run, Stack, Workstation
from app.models.run_states import EXECUTING
from app.services.terraform import state_resources, state_versions


@dataclass(frozen=True)
class Orphan:
    """Something at Google that the newest state of its stack does not hold."""

    id: str
    """As Terraform imports it."""
    stack_id: str
    owner: str
    """As its label says."""
    belongs_to: str
    """What the portal knows of the stack, in words."""


@dataclass(frozen=True)
class OrphanSearch:
    """What was found, and the stacks that nothing can be said of: a run of theirs is at work."""

    orphans: list[Orphan]
    busy: list[str]


async def find(database: Database, vault: Vault, compute: Compute) -> OrphanSearch:
    """Compare what bears the portal's label with the states. Raises what Google's clients do."""
    things = await compute.labelled(STACK_LABEL)
    async with database.sessions() as session:
        findings = await _compare(session, vault, things)
    # A run may have deleted it, and have ended, between our looking there and here.
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
    """A machine's own disk, which Google makes and deletes with the machine; MLflow's has the machine's labels."""
    sources = [str(disk.get("source") or "") for disk in attributes.get("boot_disk") or []]
    return [source[source.index("projects/") :] for source in sources if "projects/" in source]


async def _whose(session: AsyncSession, stack_id: str) -> str:
    if await session.get(Stack, stack_id) is None:
        return "no such stack"
    workstation = await session.get(Workstation, stack_id)
    if workstation is None:
        return "a stack without a workstation"
    return f"{workstation.name} ({workstation.status})"
