"""A worker's claim on one run: every write goes through it, and none passes once another attempt has begun."""

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
               OR run.status = 'awaiting_approval' AND run.approved_at IS NOT NULL)
          AND run.kind = ANY(:kinds)
          AND NOT EXISTS (SELECT 1 FROM runs AS other WHERE other.stack_id = run.stack_id AND other.id <> run.id
                          AND other.status IN ('planning', 'awaiting_approval', 'applying', 'interrupted'))
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
"""What was begun comes first; then owners take turns, so that nobody waits behind somebody else's two hundred."""
CANDIDATES = 10
"""So many are tried before a worker looks again: others may be claiming the same ones."""


@dataclass(frozen=True)
class Tools:
    """What a worker works with."""

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
    """The id of this worker's data folder: another worker with the same one has the same run folders."""
    leaving: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when this worker is to go: what only waits is handed over, a Terraform at work is followed to its end."""

    def context(self, session: AsyncSession) -> Context:
        """What services work with in this transaction, on behalf of the portal itself."""
        return Context(session, self.settings, self.catalog, self.secrets, self.vault, self.clock())


class Claim:
    """One attempt at one run."""

    def __init__(self, tools: Tools, run_id: str, attempt: int, secrets: Mapping[str, str], slot: Slot) -> None:
        """`secrets` reach Terraform in its environment alone, by the name of the root's variable."""
        self.tools, self.run_id, self.attempt = tools, run_id, attempt
        self.secrets, self.slot = dict(secrets), slot

    @cached_property
    def known_secrets(self) -> set[str]:
        """What Terraform, its plans and its plugins must not give away: the portal's own secrets and the stack's."""
        return {*secrets_of_settings(self.tools.settings), *self.secrets.values()}

    @cached_property
    def clean(self) -> Callable[[str], str]:
        """Takes them out of a text."""
        return Scrubber(self.known_secrets).clean

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[tuple[AsyncSession, Run]]:
        """A transaction that holds the run's row. Raises LostClaimError when this attempt no longer counts.

        A database that is away is waited for.
        """
        await self.tools.database.wait_until_reachable()
        async with self.tools.database.sessions.begin() as session:
            run = await session.get_one(Run, self.run_id, with_for_update=True)
            if run.attempt != self.attempt or run.status not in {RunStatus.PLANNING, RunStatus.APPLYING}:
                raise LostClaimError(self.run_id)
            yield session, run
            await runs.announce(session, run)

    async def requested_cancel(self) -> CancelMode | None:
        """How hard somebody wants the run stopped, if at all. A database that is away is waited for."""
        await self.tools.database.wait_until_reachable()
        async with self.tools.database.sessions() as session:
            return await session.scalar(select(Run.cancel).where(Run.id == self.run_id))

    async def log(self, message: str, level: LogLevel = LogLevel.INFO) -> None:
        """One line of the portal's own in the run's log."""
        async with self.writing() as (session, run):
            await self.log_in(session, run, message, level)

    async def log_in(self, session: AsyncSession, run: Run, message: str, level: LogLevel = LogLevel.INFO) -> None:
        """One line of the portal's own, within a transaction."""
        await self.record(session, run, [Event(message=message, level=level)], step=None)

    async def record(self, session: AsyncSession, run: Run, events: Sequence[Event], step: str | None) -> None:
        """Append events to the log and bring the resources they speak of up to date."""
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
        if event.state is None or event.address is None or event.action in {None, "read", "noop"}:
            return
        at = event.at or self.tools.clock()
        values = {"run_id": self.run_id, "address": event.address, "action": event.action, "state": event.state}
        changed: dict[str, object] = {"state": event.state}
        if event.state in {ResourceState.PENDING, ResourceState.WORKING}:
            # A later command may do something else with it, such as undo what the first one did.
            changed["action"] = event.action
        if event.state is ResourceState.WORKING:
            changed |= {"started_at": at, "ended_at": None}
        elif event.state in {ResourceState.DONE, ResourceState.FAILED}:
            changed["ended_at"] = at
        upsert = insert(RunResource).values({**values, **changed})
        await session.execute(upsert.on_conflict_do_update(index_elements=["run_id", "address"], set_=changed))


async def take_next(tools: Tools, slot: Slot) -> Claim | None:
    """Claim the run whose turn it is; None when there is none.

    Without a slot, only what needs no Terraform.
    """
    async with tools.database.sessions() as session:
        found = await candidates(session, tools.host, tools.clock(), with_terraform=slot.is_held)
    for run_id in found:
        if claim := await take(tools, run_id, slot):
            return claim
    return None


async def candidates(session: AsyncSession, host: str, now: datetime, *, with_terraform: bool = True) -> list[str]:
    """Ids of the runs that a worker of this host may claim, those whose turn it is first."""
    kinds = set(RunKind) if with_terraform else set(RunKind) - kinds_that("uses_terraform")
    bounds = {"now": now, "host": host, "kinds": sorted(kinds), "limit": CANDIDATES}
    return list(await session.scalars(_CANDIDATES, bounds))


async def take(tools: Tools, run_id: str, slot: Slot | None = None) -> Claim | None:
    """Claim a run; None when there is nothing to do (any more), or somebody else must have their turn first."""
    async with tools.database.sessions.begin() as session:
        run = await session.get(Run, run_id, with_for_update=True)
        if run is None:
            return None
        if not await lifecycle.claim(tools.context(session), run, tools.worker_id, tools.host):
            return None
        subject = await stacks.subject(session, run.stack_id)
        secrets = shared_stack.secrets_of(subject, tools.vault) if isinstance(subject, SharedStack) else {}
        return Claim(tools, run.id, run.attempt, secrets, slot or tools.slots.new_slot())
