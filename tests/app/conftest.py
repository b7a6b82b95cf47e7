"""What tests of the portal share: the database, settings, a clock to move, and the portal as an application."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import hypothesis
import pytest
from cryptography.fernet import Fernet
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncSession

from app import db
from app.config import Settings
from app.db import Database
from app.deps import cookie_name
from app.infra.oidc import Identity, OpenIdProvider
from app.infra.secrets import SecretGoneError, SecretStore
from app.live import Hub
from app.main import create_app
from app.services.people import members, sign_ins
from tests.database import empty, fresh_database

# How long an example takes says more about the machine than about us.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def database_of_process() -> Iterator[str]:
    with fresh_database() as url:
        yield url


@pytest.fixture
def database_url(database_of_process: str) -> str:
    empty(database_of_process)
    return database_of_process


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = db.connect(database_url, pool_size=2)
    yield database
    await database.close()


@pytest.fixture
async def session(database: Database) -> AsyncIterator[AsyncSession]:
    async with database.sessions() as session:
        yield session


@dataclass
class MovingClock:
    """A clock that stands still until it is moved."""

    now: datetime = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **duration: float) -> datetime:
        self.now += timedelta(**duration)
        return self.now


@pytest.fixture
def clock() -> MovingClock:
    return MovingClock()


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


@pytest.fixture
def secrets() -> SecretsInMemory:
    return SecretsInMemory()


def make_settings(**changes: object) -> Settings:
    """Settings of a portal for example.com, whatever the environment says."""
    values: dict[str, object] = {
        "public_url": "http://portal.test",
        "database_url": "postgresql://nowhere/nothing",
        "encryption_keys": (Fernet.generate_key().decode(),),
        "oidc_issuer": "http://127.0.0.1:9",
        "oidc_client_id": "portal",
        "oidc_client_secret": "a-client-secret",
        "allowed_domains": ("example.com",),
        "first_admin": "ada@example.com",
        "google_project": "test-project",
    }
    return Settings.model_validate({**values, **changes})


@pytest.fixture
def settings(database_url: str) -> Settings:
    return make_settings(database_url=database_url)


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


@pytest.fixture(scope="session")
def app_of_process() -> FastAPI:
    """Wired once: templates take a third of a second to compile."""
    return create_app(make_settings())


@pytest.fixture
async def app(
    app_of_process: FastAPI, settings: Settings, database: Database, clock: MovingClock, secrets: SecretsInMemory
) -> FastAPI:
    """The portal, with the test's parts; nothing of it is started in the background."""
    app_of_process.state.portal = replace(
        app_of_process.state.portal,
        settings=settings,
        database=database,
        hub=Hub(database),
        clock=clock,
        secrets=secrets,
        openid=OpenIdProvider(settings),
    )
    return app_of_process


def client_of(app: FastAPI, **headers: str) -> httpx2.AsyncClient:
    """A browser (or a script) that talks to this portal."""
    return httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=app), base_url=app.state.portal.settings.public_url, headers=headers
    )


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx2.AsyncClient]:
    async with client_of(app) as client:
        yield client


async def signed_in(app: FastAPI, name: str) -> httpx2.AsyncClient:
    """A browser in which `name`@example.com is signed in."""
    portal = app.state.portal
    async with portal.database.sessions.begin() as session:
        member = await members.sign_in(session, identity(name), portal.settings, portal.clock())
        lasts = timedelta(hours=portal.settings.session_hours)
        _, secret = await sign_ins.start(
            session, member, lasts=lasts, address="127.0.0.1", user_agent="a test", now=portal.clock()
        )
    client = client_of(app)
    client.cookies.set(cookie_name(portal.settings), secret)
    return client


@pytest.fixture
async def grace(app: FastAPI) -> AsyncIterator[httpx2.AsyncClient]:
    async with await signed_in(app, "grace") as client:
        yield client


@pytest.fixture
async def linus(app: FastAPI) -> AsyncIterator[httpx2.AsyncClient]:
    async with await signed_in(app, "linus") as client:
        yield client


@pytest.fixture
async def ada(app: FastAPI) -> AsyncIterator[httpx2.AsyncClient]:
    """The admin."""
    async with await signed_in(app, "ada") as client:
        yield client
