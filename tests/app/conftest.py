"""What tests of the portal share: the database, settings, a clock to move, and the portal as an application."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from functools import partial

import httpx2
import hypothesis
import pytest
import structlog
from cryptography.fernet import Fernet
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncSession

from app import db, origin
from app.config import Settings
from app.db import Database
from app.deps import cookie_name
from app.failed_sign_ins import FailedSignIns
from app.infra.oidc import OpenIdProvider
from app.live import Hub
from app.main import create_app
from app.services.people import members, sign_ins
from tests.database import empty, fresh_database
from tests.stage import By, MovingClock, SecretsInMemory, Stage, identity

# Tracebacks without local variables: a minute for a request that breaks is too much.
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="%H:%M:%S"),
        structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
    ]
)

# How long an example takes says more about the machine than about us.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def origin_of_test() -> Iterator[None]:
    """What a test itself asks of services comes from the test. Requests, commands and the worker say where they are."""
    with origin.bound("a test"):
        yield


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


@pytest.fixture
def clock() -> MovingClock:
    return MovingClock()


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
        # Tests share one address, and fail on purpose.
        "failed_sign_in_limit": 10_000,
    }
    return Settings.model_validate({**values, **changes})


@pytest.fixture
def settings(database_url: str) -> Settings:
    return make_settings(database_url=database_url)


@pytest.fixture
def stage(database: Database, settings: Settings, clock: MovingClock, secrets: SecretsInMemory) -> Stage:
    return Stage(database, settings, clock, secrets)


@pytest.fixture
def by(stage: Stage, session: AsyncSession) -> By:
    return partial(stage.context, session)


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
        failed_sign_ins=FailedSignIns(settings, clock),
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
        ctx = portal.context(session)
        member = await members.sign_in(ctx, identity(name))
        sign_in = await sign_ins.start(
            ctx.acting(member), address="127.0.0.1", user_agent="a test", confirmed_at=ctx.now
        )
    client = client_of(app)
    client.cookies.set(cookie_name(portal.settings), sign_in.secret)
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
