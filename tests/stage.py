"""The stage on which tests play: people, and what services work with on their behalf."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.config import Settings
from app.crypto import Vault
from app.db import Database
from app.infra.oidc import Identity
from app.infra.secrets import SecretGoneError, SecretStore
from app.models import Member
from app.services.catalog import Catalog
from app.services.context import Context
from app.services.people import members

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
        async with self.database.sessions.begin() as session:
            ctx = self.context(session)
            yield ctx.acting(await members.sign_in(ctx, identity(name)))
