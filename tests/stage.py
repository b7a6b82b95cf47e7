"""The stage on which tests play: people, and what services work with on their behalf."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from app import origin
from app.config import Settings
from app.crypto import Vault
from app.db import Database
from app.infra.oidc import Identity
from app.infra.secrets import SecretGoneError, SecretStore
from app.models import Base, Member, Run, RunKind, Workstation
from app.services import lifecycle, runs, workstations
from app.services.catalog import Catalog
from app.services.context import Context
from app.services.people import members
from app.services.runs import log, stacks
from app.services.runs.stacks import Subject
from app.services.workstations import Requested
from app.services.workstations.specs import WorkstationSpec

ADDRESS = "127.70.1.2"
HOST_KEYS = {"ssh-ed25519": "AAAAC3NzaC1lZDI1NTE5AAAAIJz1Qn8uFTb9bX0p0Y0n1p0sXQ0v8Q7Yl6m0f0l3c1aB"}
Row = TypeVar("Row", bound=Base)
By = Callable[..., Context]
"""Makes a context for somebody, in the test's session: `by(grace)`, or `by()` for the portal itself."""


@dataclass
class MovingClock:
    """A clock that stands still until it is moved."""

    now: datetime = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **duration: float) -> datetime:
        self.now += timedelta(**duration)
        return self.now


class SecretsInMemory(SecretStore):
    """Secret Manager's place taken, for tests that are not about it."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    async def put(self, name: str, payload: bytes) -> None:
        self.kept[name] = payload

    async def get(self, name: str) -> bytes:
        if name not in self.kept:
            raise SecretGoneError("The private half of this key is no longer in Secret Manager.")
        return self.kept[name]

    async def delete(self, name: str) -> None:
        self.kept.pop(name, None)

    async def close(self) -> None:
        pass


def identity(name: str, /, **changes: Any) -> Identity:
    """What Google says of somebody at example.com."""
    known = Identity(
        sub=f"sub-{name}",
        email=f"{name}@example.com",
        email_verified=True,
        name=name.title(),
        hd="example.com",
    )
    return replace(known, **changes)


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
        """A transaction of the worker's, with the run's row locked."""
        async with self.database.sessions.begin() as session:
            run = await session.get_one(Run, run_id, with_for_update={"of": Run})
            yield self.context(session), run
            await session.flush()
            await runs.announce(session, run)

    async def claim(self, run_id: str, *lines: str) -> None:
        """A worker takes it."""
        async with self.working_on(run_id) as (ctx, run):
            assert await lifecycle.claim(ctx, run, "a-worker", "a-host")
            await log.write(ctx.session, run, [log.LogEntry(line, ctx.now) for line in lines])

    async def apply(self, run_id: str) -> None:
        """A worker takes it, and Terraform changes things."""
        await self.claim(run_id)
        async with self.working_on(run_id) as (ctx, run):
            run.begin_apply(ctx.now)

    async def finish(self, run_id: str) -> None:
        """What is applied ends well."""
        async with self.working_on(run_id) as (ctx, run):
            become(await stacks.subject(ctx.session, run.stack_id), run, ctx.now)
            await lifecycle.finish(ctx, run)
        await self.follow_up(run_id)

    async def fail(self, run_id: str, error: str = "Error: quota") -> None:
        """What is applied ends without success."""
        async with self.working_on(run_id) as (ctx, run):
            await lifecycle.fail(ctx, run, error)
        await self.follow_up(run_id)

    async def follow_up(self, run_id: str) -> None:
        """What its worker does once a run has ended."""
        async with self.database.sessions.begin() as session:
            await lifecycle.follow_up(self.context(session), await session.get_one(Run, run_id))

    async def await_approval(self, run_id: str, awaits: Sequence[dict[str, str]] = ()) -> None:
        """A worker takes it, and its plan has to be decided."""
        await self.claim(run_id)
        async with self.working_on(run_id) as (ctx, run):
            await lifecycle.await_approval(ctx, run, list(awaits))

    async def carry_out(self, run_id: str) -> None:
        """From the claim to the good end."""
        await self.apply(run_id)
        await self.finish(run_id)

    async def request(self, name: str = "dev-1", who: str = "grace", **fields: object) -> Requested:
        """Somebody asks for a machine."""
        spec = WorkstationSpec.model_validate({"name": name, "machine_type": "e2-standard-4", **fields})
        async with self.acting(who) as ctx:
            return await workstations.request(ctx, ctx.member, spec)

    async def make(self, name: str = "dev-1", who: str = "grace", **fields: object) -> Workstation:
        """A machine that runs."""
        requested = await self.request(name, who, **fields)
        await self.carry_out(requested.run.id)
        self.clock.advance(minutes=1)
        return await self.row(Workstation, requested.workstation.id)

    async def row(self, model: type[Row], row_id: str) -> Row:
        """A row as it is now."""
        async with self.database.sessions() as session:
            return await session.get_one(model, row_id)


def become(subject: Subject, run: Run, now: datetime) -> None:
    """What the kinds of runs write down of their subject at a good end (app/worker/kinds)."""
    if run.kind is RunKind.CHECK:
        subject.become_checked(None, now)
    elif run.kind is RunKind.DESTROY:
        subject.become_destroyed(now, disk_kept=bool(run.inputs.get("disk_only")))
    elif isinstance(subject, Workstation):
        if run.kind is not RunKind.REKEY:
            subject.take(run.changes)
            subject.become_running(ADDRESS, HOST_KEYS, now)
    else:
        subject.take(run.changes)
        subject.become_ready({}, now)
