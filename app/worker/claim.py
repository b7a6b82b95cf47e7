"""A worker's claim on a run. Every write of the worker goes through it, and fails once another attempt has begun."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.clock import Clock
from app.config import Settings
from app.crypto import Vault
from app.db import Database
from app.infra.events import Event
from app.infra.google import Compute
from app.infra.secrets import SecretStore
from app.models import CancelMode, LogLevel, ResourceState, Run, RunKind, RunResource, RunStatus, SharedStack
from app.models.run_kinds import kinds_that
from app.models.run_states import LostClaimError
from app.services import lifecycle, runs
from app.services.catalog import Catalog
from app.services.context import Context
from app.services.runs import stacks
from app.services.runs.log import LogEntry, write
from app.services.shared import shared_stack
from app.services.terraform.scrub import Scrubber, secrets_of_settings
from app.worker.roots import Roots
from app.worker.slots import Slot, Slots

_CANDIDATES = text(
    """
    WITH claimable AS (
        SELECT run.id, run.created_at, run.status, coalesce(workstation.owner_id, '') AS owner
        FROM runs AS run LEFT JOIN workstations AS workstation ON workstation.id = run.stack_id
        WHERE (run.status = 'queued'
               OR run.status = 'interrupted'
                  AND (run.host = :host OR coalesce(run.lease_until, :now) <= :now)
               OR run.status = 'waiting_for_capacity' AND coalesce(run.next_try_at, :now) <= :now
               OR run.status = 'awaiting_approval' AND run.approved_at IS NOT NULL)
          AND run.kind = ANY(:kinds)
          AND NOT EXISTS (SELECT 1 FROM runs AS other WHERE other.stack_id = run.stack_id AND other.id <> run.id
                          AND other.status IN ('planning', 'awaiting_approval', 'applying', 'waiting_for_capacity',
                                               'interrupted'))
    ), working AS (
        SELECT coalesce(workstation.owner_id, '') AS owner, count(*) AS runs
        FROM runs AS run LEFT JOIN workstations AS workstation ON workstation.id = run.stack_id
        WHERE run.status IN ('planning', 'applying') GROUP BY 1
    )
    SELECT claimable.id FROM claimable LEFT JOIN working USING (owner)
    ORDER BY claimable.status = 'queued',
             coalesce(working.runs, 0)
                 + row_number() OVER (PARTITION BY claimable.owner ORDER BY claimable.created_at, claimable.id),
             claimable.created_at, claimable.id
    LIMIT :limit
    """
)
"""Runs that can be claimed, in order: interrupted ones first, then queued ones, with the owners taking turns."""
# More than one, because other workers may be claiming the same runs.
CANDIDATES = 10
"""How many runs a worker tries to claim before it queries the database again."""


@dataclass(frozen=True)
class Tools:
    """The parts of a worker process that its runs and jobs use."""

    settings: Settings
    database: Database
    catalog: Catalog
    secrets: SecretStore
    vault: Vault
    clock: Clock
    roots: Roots
    compute: Compute
    slots: Slots
    worker_id: str
    host: str
    """The ID of this worker's data folder. Workers with the same ID share their run folders."""
    leaving: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the worker shuts down. Runs that wait are handed over; a Terraform that is running is followed to its
    end."""

    def context(self, session: AsyncSession) -> Context:
        """The context for services in this transaction, with the portal itself as the actor."""
        return Context(session, self.settings, self.catalog, self.secrets, self.vault, self.clock())


class Claim:
    """One attempt at one run."""

    def __init__(self, tools: Tools, run_id: str, attempt: int, secrets: Mapping[str, str], slot: Slot) -> None:
        """:param secrets: Terraform variables that are passed in the environment only, by name."""
        self.tools, self.run_id, self.attempt = tools, run_id, attempt
        self.secrets, self.slot = dict(secrets), slot

    @cached_property
    def known_secrets(self) -> set[str]:
        """The secrets of the portal and the stack, which Terraform's output, plans and plugins must not reveal."""
        return {*secrets_of_settings(self.tools.settings), *self.secrets.values()}

    @cached_property
    def clean(self) -> Callable[[str], str]:
        """A function that removes known secrets from a text."""
        return Scrubber(self.known_secrets).clean

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[tuple[AsyncSession, Run]]:
        """A transaction that locks the run's row. Waits for the database if it is unavailable.

        Raises LostClaimError if another attempt has taken the run over.
        """
        await self.tools.database.wait_until_reachable()
        async with self.tools.database.sessions.begin() as session:
            # The lock serialises this write with the claim of another attempt.
            run = await session.get_one(Run, self.run_id, with_for_update=True)
            if run.attempt != self.attempt or run.status not in {RunStatus.PLANNING, RunStatus.APPLYING}:
                raise LostClaimError(self.run_id)
            yield session, run
            await runs.announce(session, run)

    async def requested_cancel(self) -> CancelMode | None:
        """How the run is to be stopped, None if nobody asked. Waits for the database if it is unavailable."""
        await self.tools.database.wait_until_reachable()
        async with self.tools.database.sessions() as session:
            return await session.scalar(select(Run.cancel).where(Run.id == self.run_id))

    async def log(self, message: str, level: LogLevel = LogLevel.INFO) -> None:
        """Write a message of the portal to the run's log."""
        async with self.writing() as (session, run):
            await self.log_in(session, run, message, level)

    async def log_in(self, session: AsyncSession, run: Run, message: str, level: LogLevel = LogLevel.INFO) -> None:
        """Write a message of the portal to the run's log, in this transaction."""
        await self.record(session, run, [Event(message=message, level=level)], step=None)

    async def record(self, session: AsyncSession, run: Run, events: Sequence[Event], step: str | None) -> None:
        """Append events to the log, and update the resources that they are about."""
        now = self.tools.clock()
        lines = [
            LogEntry(self.clean(event.message), event.at or now, event.level, step)
            for event in events
            if event.is_logged
        ]
        await write(session, run, lines)
        for event in events:
            await self._record_resource(session, event)
        await session.flush()

    async def _record_resource(self, session: AsyncSession, event: Event) -> None:
        # Reading a resource and leaving it as it is are no changes to show.
        if event.state is None or event.address is None or event.action in {None, "read", "noop"}:
            return
        at = event.at or self.tools.clock()
        values = {"run_id": self.run_id, "address": event.address, "action": event.action, "state": event.state}
        changed: dict[str, object] = {"state": event.state}
        if event.state in {ResourceState.PENDING, ResourceState.WORKING}:
            # Rolling back, for example, does something else with a resource than the apply before.
            changed["action"] = event.action
        if event.state is ResourceState.WORKING:
            changed |= {"started_at": at, "ended_at": None}
        elif event.state in {ResourceState.DONE, ResourceState.FAILED}:
            changed["ended_at"] = at
        upsert = insert(RunResource).values({**values, **changed})
        await session.execute(upsert.on_conflict_do_update(index_elements=["run_id", "address"], set_=changed))


async def take_next(tools: Tools, slot: Slot) -> Claim | None:
    """Claim the next run; None if there is none.

    Without a slot, only runs that need no Terraform are considered.
    """
    async with tools.database.sessions() as session:
        found = await candidates(session, tools.host, tools.clock(), with_terraform=slot.is_held)
    # Another worker may have claimed the first ones meanwhile.
    for run_id in found:
        if claim := await take(tools, run_id, slot):
            return claim
    return None


async def candidates(session: AsyncSession, host: str, now: datetime, *, with_terraform: bool = True) -> list[str]:
    """IDs of the runs that a worker of this host can claim, in the order of their turn."""
    kinds = set(RunKind) if with_terraform else set(RunKind) - kinds_that("uses_terraform")
    bounds = {"now": now, "host": host, "kinds": sorted(kinds), "limit": CANDIDATES}
    return list(await session.scalars(_CANDIDATES, bounds))


async def take(tools: Tools, run_id: str, slot: Slot | None = None) -> Claim | None:
    """Claim a run; None if it cannot be claimed (any more), or another run of its stack must come first."""
    async with tools.database.sessions.begin() as session:
        run = await session.get(Run, run_id, with_for_update=True)
        if run is None:
            return None
        if not await lifecycle.claim(tools.context(session), run, tools.worker_id, tools.host):
            return None
        subject = await stacks.subject(session, run.stack_id)
        # Only the shared stack has passwords, which are never part of a run's inputs.
        secrets = shared_stack.secrets_of(subject, tools.vault) if isinstance(subject, SharedStack) else {}
        return Claim(tools, run.id, run.attempt, secrets, slot or tools.slots.new_slot())
