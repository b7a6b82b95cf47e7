"""The way to Postgres: one engine and one session factory a process."""

import asyncio
from dataclasses import dataclass

import structlog
from psycopg import AsyncConnection
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

RECONNECT_SECONDS = 0.5

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


@dataclass(frozen=True)
class Database:
    """An engine with its session factory."""

    engine: AsyncEngine
    sessions: async_sessionmaker[AsyncSession]
    url: str

    async def reachable(self) -> None:
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
        sqlalchemy_url(database_url), pool_size=pool_size, max_overflow=pool_size, pool_pre_ping=True
    )
    return Database(engine, async_sessionmaker(engine, expire_on_commit=False), database_url)


async def driver_connection(session: AsyncSession) -> AsyncConnection:
    """The psycopg connection of this session's transaction, so that others (the queue) join the same transaction."""
    raw = await (await session.connection()).get_raw_connection()
    connection = raw.driver_connection
    if not isinstance(connection, AsyncConnection):
        raise TypeError(f"expected a psycopg connection, got {type(connection).__name__}")
    return connection
