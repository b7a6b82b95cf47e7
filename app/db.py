"""The way to Postgres: one engine and one session factory a process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import psycopg
import structlog
from psycopg import AsyncConnection
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

RECONNECT_SECONDS = 0.5
CONNECT_SECONDS = 5
AWAY_STATES = ("08", "53", "57P")
"""PostgreSQL's classes of errors: connection lost, no room (connections, disk, memory), shutting down or starting."""

log = structlog.get_logger()


def sqlalchemy_url(database_url: str) -> str:
    """The same database for SQLAlchemy, with psycopg 3 as its driver."""
    scheme, _, rest = database_url.partition("://")
    if scheme not in {"postgres", "postgresql", "postgresql+psycopg"}:
        raise ValueError("DATABASE_URL must begin with postgresql://")
    return f"postgresql+psycopg://{rest}"


def libpq_url(database_url: str) -> str:
    """The same database for psycopg and procrastinate themselves."""
    return f"postgresql://{database_url.partition('://')[2]}"


def is_unavailable(error: Exception) -> bool:
    """Whether the database could not be asked, rather than refusing what was asked of it."""
    if isinstance(error, PoolTimeoutError):
        return True
    raised = error.orig if isinstance(error, DBAPIError) else error
    if not isinstance(raised, psycopg.OperationalError):
        return False
    # No state: it was never reached, or is gone. Deadlocks and the like are OperationalErrors too, and are ours.
    return raised.sqlstate is None or raised.sqlstate.startswith(AWAY_STATES)


@dataclass(frozen=True)
class Database:
    """An engine with its session factory."""

    engine: AsyncEngine
    sessions: async_sessionmaker[AsyncSession]
    url: str

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """A session whose transaction has begun: committed in the end, rolled back by any error.

        Whoever commits it before the end, such as to ask Google something, goes on in the next transaction.

        Raises PoolTimeoutError where no connection answers: a database that hangs refuses nothing by itself.
        """
        async with self.sessions() as session:
            try:
                async with asyncio.timeout(CONNECT_SECONDS):
                    await session.connection()
            except TimeoutError as error:
                raise PoolTimeoutError("no connection answers") from error
            yield session
            await session.commit()

    async def wait_until_reachable(self) -> None:
        """Return once the database answers; an outage is waited out."""
        while True:
            try:
                async with self.engine.connect() as connection:
                    await connection.execute(text("SELECT 1"))
            except OperationalError as error:
                log.warning("the database cannot be reached, will try again", error=str(error.orig))
            else:
                return
            await asyncio.sleep(RECONNECT_SECONDS)

    async def listen_connection(self) -> AsyncConnection:
        """A connection of its own, for LISTEN."""
        return await AsyncConnection.connect(libpq_url(self.url), autocommit=True)

    async def close(self) -> None:
        """Give all connections back."""
        await self.engine.dispose()


def connect(database_url: str, *, pool_size: int = 10) -> Database:
    """Prepare the pool; the first query opens the first connection."""
    engine = create_async_engine(
        sqlalchemy_url(database_url),
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_pre_ping=True,
        # Errors are logged with their text, and parameters are people's data, hashes and ciphers.
        hide_parameters=True,
        connect_args={"connect_timeout": CONNECT_SECONDS},
    )
    return Database(engine, async_sessionmaker(engine, expire_on_commit=False), database_url)


async def driver_connection(session: AsyncSession) -> AsyncConnection:
    """The psycopg connection of this session's transaction, so that others (the queue) join the same transaction."""
    raw = await (await session.connection()).get_raw_connection()
    connection = raw.driver_connection
    if not isinstance(connection, AsyncConnection):
        raise TypeError(f"expected a psycopg connection, got {type(connection).__name__}")
    return connection
