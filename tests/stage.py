"""The stage on which tests play: people, and what services work with on their behalf."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, TypeVar

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app import origin
from app.config import Settings
from app.crypto import Vault
from app.db import Database
from app.infra.secrets import SecretStore
from app.models import Base, CancelMode, LogLevel, Member, Run, Snapshot, SnapshotReason, Workstation
from app.models.base import short_id
from app.services import decisions, lifecycle, runs, workstations
from app.services.catalog import Catalog
from app.services.context import Context
from app.services.people import members
from app.services.runs import log
from app.services.shared import shared_stack
from app.services.shared.shared_settings import SharedSettings
from app.services.terraform import plans
from app.services.workstations import Requested
from app.services.workstations.specs import WorkstationPatch, WorkstationSpec
from tests import steps
from tests.parts import MovingClock, SecretsInMemory, identity

Row = TypeVar("Row", bound=Base)
_NUMBERED_LINES = text(
    "INSERT INTO log_lines (run_id, seq, at, level, step, message) "
    "SELECT :run_id, seq, :at, 'info', 'apply', 'line ' || seq FROM generate_series(:first, :last) AS seq"
)
By = Callable[..., Context]
"""Makes a context for somebody, in the test's session: `by(grace)`, or `by()` for the portal itself."""


class Stage:
    """A portal's database, with people who do things in it."""

    def __init__(
        self, database: Database, settings: Settings, clock: MovingClock, secrets: SecretStore | None = None
    ) -> None:
        self.database, self.settings, self.clock = database, settings, clock
        self.secrets = secrets or SecretsInMemory()
        self.vault = Vault(settings.encryption_keys)
        self.catalog = Catalog.load(settings.catalog_file)

    def context(self, session: AsyncSession, actor: Member | None = None, **changes: Any) -> Context:
        """What services work with in this session, at this moment."""
        parts = (self.settings, self.catalog, self.secrets, self.vault, self.clock())
        return replace(Context(session, *parts, actor), **changes)

    @asynccontextmanager
    async def acting(self, name: str) -> AsyncIterator[Context]:
        """A transaction of its own, on behalf of `name`@example.com."""
        with origin.bound("a test"):
            # Signed in before: sign-ins wait for each other, and what is to happen at once would as well.
            async with self.database.sessions.begin() as session:
                member = await members.sign_in(self.context(session), identity(name))
            async with self.database.transaction() as session:
                yield self.context(session, await session.get_one(Member, member.id))

    @asynccontextmanager
    async def working_on(self, run_id: str) -> AsyncIterator[tuple[Context, Run]]:
        """A transaction of the worker's, with the run's row locked; whoever looks at the run is told."""
        async with self.database.sessions.begin() as session:
            run = await session.get_one(Run, run_id, with_for_update={"of": Run})
            yield self.context(session), run
            await session.flush()
            await runs.announce(session, run)

    async def claim(self, run_id: str) -> None:
        """A worker takes it."""
        async with self.working_on(run_id) as (ctx, run):
            await steps.claim(ctx, run)

    async def apply(self, run_id: str) -> None:
        """A worker takes it, unless one has it, and Terraform changes things."""
        async with self.working_on(run_id) as (ctx, run):
            await steps.apply(ctx, run)

    async def carry_out(self, run_id: str) -> None:
        """From where it stands to its good end."""
        async with self.working_on(run_id) as (ctx, run):
            await steps.carry_out(ctx, run)
        await self._follow_up(run_id)

    async def fail(self, run_id: str, error: str = steps.STOCK_OUT) -> None:
        """From where it stands to an end without success."""
        async with self.working_on(run_id) as (ctx, run):
            await steps.fail(ctx, run, error)
        await self._follow_up(run_id)

    async def _follow_up(self, run_id: str) -> None:
        async with self.database.sessions.begin() as session:
            await lifecycle.deploy_missed_keys(self.context(session), await session.get_one(Run, run_id))

    async def await_approval(
        self, run_id: str, awaits: Sequence[dict[str, str]] = (), plan: dict[str, Any] | None = None
    ) -> None:
        """A worker takes it, and its plan has to be decided.

        :param plan: as people are shown it.
        """
        async with self.working_on(run_id) as (ctx, run):
            if plan:
                await plans.keep(ctx.session, ctx.vault, run_id, plan, ctx.now, b"the plan's file")
            await steps.await_approval(ctx, run, awaits)

    async def write(self, run_id: str, *lines: str, level: LogLevel = LogLevel.INFO) -> None:
        """Lines of the run's log, as Terraform says them."""
        async with self.working_on(run_id) as (ctx, run):
            await log.write(ctx.session, run, [log.LogEntry(line, ctx.now, level, "apply") for line in lines])

    async def write_numbered(self, run_id: str, number: int) -> None:
        """So many lines at once, "line 1" and so on by their number in the log."""
        async with self.working_on(run_id) as (ctx, run):
            first, run.log_seq = run.log_seq + 1, run.log_seq + number
            values = {"run_id": run_id, "at": ctx.now, "first": first, "last": run.log_seq}
            await ctx.session.execute(_NUMBERED_LINES, values)

    async def request(self, name: str = "dev-1", who: str = "grace", **fields: Any) -> Requested:
        """Somebody asks for a machine."""
        spec = WorkstationSpec.model_validate({"name": name, "machine_type": "e2-standard-4", **fields})
        async with self.acting(who) as ctx:
            return await workstations.request(ctx, ctx.member, spec)

    async def make(self, name: str = "dev-1", who: str = "grace", **fields: Any) -> Workstation:
        """A machine that runs."""
        requested = await self.request(name, who, **fields)
        await self.carry_out(requested.run.id)
        self.clock.advance(minutes=1)
        return await self.row(Workstation, requested.workstation.id)

    async def configure(self, reason: str = "", **fields: Any) -> Run:
        """Ada asks for other settings of the shared stack, a minute later."""
        self.clock.advance(minutes=1)
        async with self.acting("ada") as ctx:
            stack = await shared_stack.find(ctx)
            desired = (await shared_stack.desired(ctx, stack)).settings
            chosen = SharedSettings.model_validate({**desired.model_dump(), **fields})
            return await shared_stack.configure(ctx, stack, chosen, reason)

    async def approve(self, run_id: str, who: str = "ada", *, confirm: Sequence[str] = ()) -> None:
        """Somebody lets it do what it awaits."""
        async with self.acting(who) as ctx:
            await decisions.approve(ctx, await runs.find(ctx.session, ctx.member, run_id), confirm)

    async def discard(self, run_id: str, who: str = "ada") -> None:
        """Somebody does not."""
        async with self.acting(who) as ctx:
            await decisions.discard(ctx, await runs.find(ctx.session, ctx.member, run_id))

    async def cancel(self, run_id: str, who: str = "grace", mode: CancelMode = CancelMode.UNDO) -> None:
        """Somebody stops it."""
        async with self.acting(who) as ctx:
            await decisions.cancel(ctx, await runs.find(ctx.session, ctx.member, run_id), mode)

    async def retry(self, run_id: str, who: str = "grace") -> Run:
        """Somebody asks for the same again."""
        async with self.acting(who) as ctx:
            return await decisions.retry(ctx, await runs.find(ctx.session, ctx.member, run_id))

    async def change(self, workstation_id: str, who: str = "grace", **fields: Any) -> Run:
        """Somebody asks for changes of a machine, a minute later."""
        self.clock.advance(minutes=1)
        async with self.acting(who) as ctx:
            machine = await ctx.session.get_one(Workstation, workstation_id)
            return await workstations.request_change(ctx, machine, WorkstationPatch.model_validate(fields))

    async def destroy(self, workstation_id: str, who: str = "grace", *, keep_disk: bool = True) -> Run:
        """Somebody deletes it, a minute later."""
        self.clock.advance(minutes=1)
        async with self.acting(who) as ctx:
            machine = await ctx.session.get_one(Workstation, workstation_id)
            return await workstations.request_destroy(ctx, machine, keep_disk=keep_disk)

    async def snapshot(self, workstation_id: str, **fields: Any) -> Snapshot:
        """A worker has taken one of its data disk, by the run that it had last."""
        async with self.database.sessions.begin() as session:
            [run, *_] = await runs.of_stack(session, workstation_id, 1)
            workstation = await session.get_one(Workstation, workstation_id)
            usual = {
                "name": f"{workstation.resource_name}-{short_id(10)}",
                "reason": SnapshotReason.MANUAL,
                "zone": workstation.zone,
                "disk_size_gb": workstation.disk_size_gb,
                "storage_bytes": 3 << 30,
                "taken_at": self.clock(),
            }
            made = Snapshot(workstation_id=workstation_id, run_id=run.id, **{**usual, **fields})
            session.add(made)
        return made

    async def make_shared_stack(self) -> str:
        """It exists, and lets nobody in; returns its id."""
        async with self.acting("ada") as ctx:
            return (await steps.make_shared_stack(ctx)).id

    async def pending(self, stack_id: str) -> str:
        """The id of the stack's only run that is pending."""
        async with self.database.sessions() as session:
            [run] = await runs.pending(session, stack_id)
            return run.id

    async def row(self, model: type[Row], row_id: str) -> Row:
        """A row as it is now."""
        async with self.database.sessions() as session:
            return await session.get_one(model, row_id)
