"""Orphans: resources with the portal's label that are in no state, and snapshots with it that are in no list."""

from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.crypto import Vault
from app.db import Database
from app.infra.google import Compute, Labelled
from app.infra.ownership import OWNER_LABEL, STACK_LABEL
from app.infra.snapshots import StoredSnapshot
from app.models import Run, Snapshot, Stack, Workstation
from app.models.run_states import EXECUTING
from app.models.snapshot import GIGABYTE
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
class OrphanSnapshot:
    """A snapshot at Google that no workstation lists: its run was lost while it was taken, and then canceled."""

    name: str
    stack_id: str
    owner: str
    belongs_to: str
    run_id: str
    """The run that took it, which its name ends with; empty if there is none, so that somebody else may need it."""
    region: str
    disk_size_gb: int
    storage_bytes: int | None
    """None while Google measures it."""
    taken: str
    """When, in ISO format."""

    @property
    def taken_at(self) -> datetime:
        """When it was taken, by Google's clock."""
        return datetime.fromisoformat(self.taken)

    @property
    def storage_gb(self) -> Decimal | None:
        """What is stored of it, in gigabytes; None while Google measures it."""
        return None if self.storage_bytes is None else Decimal(self.storage_bytes) / GIGABYTE


@dataclass(frozen=True)
class OrphanSearch:
    """The result of a search. `busy` are stacks with a run in progress, which cannot be judged."""

    orphans: list[Orphan]
    busy: list[str]
    snapshots: list[OrphanSnapshot] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.orphans) + len(self.snapshots)


@dataclass(frozen=True)
class OrphanInspection(OrphanSearch):
    """A search that a worker has made."""

    taken_at: datetime = field(kw_only=True)


async def keep(session: AsyncSession, found: OrphanSearch, now: datetime) -> None:
    """Keep it for pages, instead of the one before."""
    await inspections.keep(session, INSPECTION, asdict(found), now)


async def read(session: AsyncSession) -> OrphanInspection | None:
    """The newest search; None if there was none yet."""
    kept = await inspections.read(session, INSPECTION)
    if kept is None:
        return None
    # A worker of an earlier release looked for no snapshots.
    snapshots = [OrphanSnapshot(**each) for each in kept.content.get("snapshots", [])]
    listed = await _listed(session, [each.name for each in snapshots])
    return OrphanInspection(
        orphans=[Orphan(**each) for each in kept.content["orphans"]],
        busy=kept.content["busy"],
        snapshots=[each for each in snapshots if each.name not in listed],
        taken_at=kept.taken_at,
    )


async def find(database: Database, vault: Vault, compute: Compute) -> OrphanSearch:
    """Compare labelled resources with the states, and snapshots with the lists. Raises the errors of Google's
    clients."""
    things, stored = await compute.labelled(STACK_LABEL), await compute.snapshots.labelled(STACK_LABEL)
    async with database.sessions() as session:
        findings = await _compare(session, vault, things, stored)
    # Read again, because a run may have deleted it and ended after Google was asked.
    there = [orphan for orphan in findings.orphans if await compute.labels_of(orphan.id) is not None]
    kept = [snapshot for snapshot in findings.snapshots if await compute.snapshots.read(snapshot.name) is not None]
    return replace(findings, orphans=there, snapshots=kept)


async def _compare(
    session: AsyncSession, vault: Vault, things: list[Labelled], stored: list[StoredSnapshot]
) -> OrphanSearch:
    labels = {each[STACK_LABEL] for each in (*(thing.labels for thing in things), *(each.labels for each in stored))}
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
    listed = await _listed(session, [each.name for each in stored])
    snapshots = [
        await _orphan_snapshot(session, each, whose[stack_id])
        for each in sorted(stored, key=lambda each: each.name)
        if (stack_id := each.labels[STACK_LABEL]) not in busy and each.name not in listed
    ]
    return OrphanSearch(orphans, sorted(busy), snapshots)


async def _listed(session: AsyncSession, names: list[str]) -> set[str]:
    """Those of these snapshots that are in a workstation's list, or are being deleted."""
    return set(await session.scalars(select(Snapshot.name).where(Snapshot.name.in_(names))))


async def _orphan_snapshot(session: AsyncSession, stored: StoredSnapshot, belongs_to: str) -> OrphanSnapshot:
    stack_id = stored.labels[STACK_LABEL]
    run = await session.get(Run, stored.name.rpartition("-")[2])
    return OrphanSnapshot(
        name=stored.name,
        stack_id=stack_id,
        owner=stored.labels.get(OWNER_LABEL, ""),
        belongs_to=belongs_to,
        run_id=run.id if run and run.stack_id == stack_id else "",
        region=stored.region,
        disk_size_gb=stored.disk_size_gb,
        storage_bytes=stored.storage_bytes,
        taken=stored.taken_at.isoformat(),
    )


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
