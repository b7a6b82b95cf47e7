"""What tests of the portal share: the database, settings, a clock to move, and the portal as an application."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import asyncssh
import httpx2
import hypothesis
import pytest
import structlog
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncSession

from app import db, origin
from app.config import Settings
from app.db import Database
from app.failed_sign_ins import FailedSignIns
from app.infra.machine_tokens import MachineTokens
from app.infra.oidc import OpenIdProvider
from app.live import Hub
from app.main import create_app
from app.worker.claim import Tools
from tests.app.worker.scripted import ADDRESS, KEY, Script, make_tools
from tests.clients import client_of, signed_in
from tests.database import empty, fresh_database
from tests.parts import MovingClock, SecretsInMemory, make_settings
from tests.stage import By, Stage

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
async def app(app_of_process: FastAPI, stage: Stage) -> FastAPI:
    """The portal, with the test's parts; nothing of it is started in the background."""
    openid = OpenIdProvider(stage.settings)
    app_of_process.state.portal = replace(
        app_of_process.state.portal,
        settings=stage.settings,
        database=stage.database,
        hub=Hub(stage.database),
        vault=stage.vault,
        clock=stage.clock,
        secrets=stage.secrets,
        openid=openid,
        machine_tokens=MachineTokens(stage.settings, openid),
        failed_sign_ins=FailedSignIns(stage.settings, stage.clock),
    )
    return app_of_process


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx2.AsyncClient]:
    async with client_of(app) as client:
        yield client


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


@pytest.fixture
def script(tmp_path: Path) -> Script:
    folder = tmp_path / "bin"
    folder.mkdir()
    return Script(folder)


@pytest.fixture
async def ssh_port() -> AsyncIterator[int]:
    """Of the SSH server at every machine's address; it lets nobody in."""
    acceptor = await asyncssh.listen(ADDRESS, 0, server_host_keys=[KEY])
    yield acceptor.get_port()
    acceptor.close()


@pytest.fixture
def worker_settings(tmp_path: Path, script: Script, database_url: str, ssh_port: int) -> Settings:
    root = tmp_path / "terraform" / "workstation"
    root.mkdir(parents=True)
    (root / "main.tf").write_text("# nothing")
    (tmp_path / "terraform" / "modules").mkdir()
    return make_settings(
        database_url=database_url,
        data_dir=tmp_path / "data",
        terraform=str(script.executable),
        terraform_dir=tmp_path / "terraform",
        ssh_port=ssh_port,
        workstation_limit=1000,
    )


@pytest.fixture
def tools(worker_settings: Settings, database: Database, clock: MovingClock) -> Tools:
    return make_tools(worker_settings, database, clock)
