"""A worker's hold on one run: every write goes through it, and none passes once another attempt has begun."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cached_property

from sqlalchemy import exists, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.clock import Clock
from app.config import Settings
from app.crypto import Vault
from app.db import Database
from app.infra.events import Event
from app.infra.google import Compute
from app.models import (
    CancelMode,
    LogLevel,
    LogLine,
    ResourceState,
    Run,
    RunResource,
    RunStatus,
    SharedStack,
    Workstation,
)
from app.models.run import LostClaimError
from app.models.run_states import EXECUTING
from app.services import runs, stacks
from app.services.keys import machine_keys
from app.services.shared import shared_stack
from app.services.terraform import plans, state_versions
from app.services.terraform.scrub import Scrubber, secrets_of_settings
from app.worker.roots import Roots

MAX_INTERRUPTIONS = 10
"""A run whose workers die this often is ended: it may be the run that kills them."""


@dataclass(frozen=True)
class Tools:
    """What a worker works with."""

    settings: Settings
    database: Database
    vault: Vault
    clock: Clock
    roots: Roots
    compute: Compute
    worker_id: str
    host: str
    """The id of this worker's data folder: another worker with the same one has the same run folders."""
    leaving: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when this worker is to go: what only waits is handed over, a Terraform at work is followed to its end."""


class Claim:
    """One attempt at one run."""

    def __init__(self, tools: Tools, run_id: str, attempt: int, secrets: Mapping[str, str] | None = None) -> None:
        """`secrets` are what Terraform is told in its environment alone, by the name of the root's variable."""
        self.tools, self.run_id, self.attempt = tools, run_id, attempt
        self.secrets = dict(secrets or {})

    @cached_property
    def known_secrets(self) -> set[str]:
        """What Terraform, its plans and its plugins must not tell: the portal's own secrets and the stack's."""
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
        await self.tools.database.reachable()
        async with self.tools.database.sessions.begin() as session:
            run = await session.get_one(Run, self.run_id, with_for_update=True)
            if run.attempt != self.attempt or run.status not in {RunStatus.PLANNING, RunStatus.APPLYING}:
                raise LostClaimError(self.run_id)
            yield session, run
            await runs.announce(session, run)

    async def requested_cancel(self) -> CancelMode | None:
        """How hard somebody wants the run stopped, if at all. A database that is away is waited for."""
        await self.tools.database.reachable()
        async with self.tools.database.sessions() as session:
            return await session.scalar(select(Run.cancel).where(Run.id == self.run_id))

    async def log(self, message: str, level: LogLevel = LogLevel.INFO) -> None:
        """One line of the portal's own in the run's log."""
        async with self.writing() as (session, run):
            await self.log_in(session, run, message, level)

    async def log_in(self, session: AsyncSession, run: Run, message: str, level: LogLevel = LogLevel.INFO) -> None:
        """The same, within a transaction."""
        await self.record(session, run, [Event(message=message, level=level)], step=None)

    async def record(self, session: AsyncSession, run: Run, events: Sequence[Event], step: str | None) -> None:
        """Append events to the log and bring the resources they speak of up to date."""
        told = [event for event in events if event.is_told]
        lines = [
            {
                "run_id": run.id,
                "seq": number,
                "at": event.at or self.tools.clock(),
                "level": event.level,
                "step": step,
                "message": self.clean(event.message),
            }
            for number, event in enumerate(told, start=run.log_seq + 1)
        ]
        if lines:
            await session.execute(insert(LogLine), lines)
        run.log_seq += len(told)
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


async def take(tools: Tools, run_id: str) -> Claim | None:
    """Claim a run; None when there is nothing to do (any more), or somebody else must have their turn first."""
    async with tools.database.sessions.begin() as session:
        run = await session.get(Run, run_id, with_for_update=True)
        if run is None or not run.can_be_claimed or run.is_left_to_another_host(tools.host, tools.clock()):
            return None
        if run.is_queued and await _stack_is_busy(session, run):
            return None
        subject = await stacks.subject(session, run.stack_id, lock=True)
        before = Claim(tools, run.id, run.attempt)
        if run.is_queued and subject.rejects(run.kind):
            # Wished for while the run that destroyed it went on.
            await before.log_in(session, run, f"Dropped: the {subject.noun} is destroyed.")
            run.end_canceled(tools.clock())
            await runs.announce(session, run)
            return None
        if run.interruptions >= MAX_INTERRUPTIONS:
            reason = f"\n{run.error}" if run.error else ""
            text = f"Given up after {run.interruptions} interrupted attempts.{reason}"
            await end(session, run, before, error=text)
            return None
        if run.is_queued:
            await machine_keys.bind(session, run)
        run.claim(tools.worker_id, tools.host, tools.clock())
        subject.begin(run)
        await runs.announce(session, run)
        secrets = shared_stack.secrets_of(subject, tools.vault) if isinstance(subject, SharedStack) else {}
        return Claim(tools, run.id, run.attempt, secrets)


async def _stack_is_busy(session: AsyncSession, run: Run) -> bool:
    others = select(Run.id).where(Run.stack_id == run.stack_id, Run.id != run.id, Run.status.in_(EXECUTING))
    return bool(await session.scalar(select(exists(others))))


async def end(session: AsyncSession, run: Run, claim: Claim, error: str | None = None) -> None:
    """What every end of a run has in common; with an error it ends the run, otherwise the caller has."""
    if error is not None:
        run.fail(claim.clean(error), claim.tools.clock())
        (await stacks.subject(session, run.stack_id, lock=True)).become_failed()
    if not run.is_success:
        await _keep_disk_size(session, run, claim)
    await plans.forget(session, run.id)
    await session.flush()
    await runs.enqueue_next(session, run.stack_id)
    await runs.announce(session, run)


async def _keep_disk_size(session: AsyncSession, run: Run, claim: Claim) -> None:
    workstation = await session.get(Workstation, run.stack_id)
    state = await state_versions.newest(session, claim.tools.vault, run.stack_id) if workstation else None
    if workstation and state and state.disk_size_gb:
        workstation.keep_disk_size(state.disk_size_gb)
