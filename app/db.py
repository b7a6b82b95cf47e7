"""Access to PostgreSQL: one engine and one session factory per process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlencode

import psycopg
import structlog
from psycopg import AsyncConnection
from sqlalchemy import event, text
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

RECONNECT_SECONDS = 0.5
CONNECT_SECONDS = 5
KEEPALIVE = {
    "keepalives_idle": 20,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    # Milliseconds. The kernel would repeat for a quarter of an hour what was sent and never acknowledged.
    "tcp_user_timeout": 50_000,
}
"""Options of libpq by which a host that is gone without a word is noticed within a minute."""
IDLE_SECONDS = 30
"""How long a process may be idle in a transaction: if its host is frozen or lost, its locks are released after that."""
AWAY_STATES = ("08", "53", "57P")
"""PostgreSQL's error classes for: connection lost, out of connections, disk or memory, shutting down or starting."""

log = structlog.get_logger()


def sqlalchemy_url(database_url: str) -> str:
    """The database's URL for SQLAlchemy with psycopg 3."""
    scheme = database_url.partition("://")[0]
    if scheme not in {"postgres", "postgresql", "postgresql+psycopg"}:
        raise ValueError("DATABASE_URL must begin with postgresql://")
    return f"postgresql+psycopg://{_with_keepalive(database_url)}"


def libpq_url(database_url: str) -> str:
    """The database's URL for psycopg and procrastinate."""
    return f"postgresql://{_with_keepalive(database_url)}"


def _with_keepalive(database_url: str) -> str:
    """The URL without its scheme, with those options of KEEPALIVE that it does not set itself."""
    rest = database_url.partition("://")[2]
    query = rest.partition("?")[2]
    own = {option.partition("=")[0] for option in query.split("&")}
    added = urlencode({name: value for name, value in KEEPALIVE.items() if name not in own})
    return rest + ("&" if query else "" if "?" in rest else "?") + added


def is_unavailable(error: Exception) -> bool:
    """Whether the database could not be reached, as opposed to an error in a statement."""
    if isinstance(error, PoolTimeoutError):
        return True
    raised = error.orig if isinstance(error, DBAPIError) else error
    if not isinstance(raised, psycopg.OperationalError):
        return False
    # Without an SQLSTATE, the connection failed. Deadlocks, for example, are OperationalErrors with one.
    return raised.sqlstate is None or raised.sqlstate.startswith(AWAY_STATES)


@dataclass(frozen=True)
class Database:
    """A database with its sessions."""

    engine: AsyncEngine
    sessions: async_sessionmaker[AsyncSession]
    url: str

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """A session in a transaction, which is committed at the end, or rolled back after an error.

        A service may commit it earlier, for example before it calls Google; the session then continues in a new
        transaction.

        Raises PoolTimeoutError if no connection answers.
        """
        async with self.sessions() as session:
            try:
                # A database that hangs raises no error by itself.
                async with asyncio.timeout(CONNECT_SECONDS):
                    await session.connection()
            except TimeoutError as error:
                raise PoolTimeoutError("no connection answers") from error
            yield session
            await session.commit()

    async def wait_until_reachable(self) -> None:
        """Wait until the database answers."""
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
        """A separate connection for LISTEN."""
        return await AsyncConnection.connect(libpq_url(self.url), autocommit=True)

    async def close(self) -> None:
        """Close all connections."""
        await self.engine.dispose()


def connect(database_url: str, *, pool_size: int = 10) -> Database:
    """Create the connection pool. Connections are opened by the first queries."""
    engine = create_async_engine(
        sqlalchemy_url(database_url),
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_pre_ping=True,
        # Errors are logged, and parameters contain personal data, hashes and encrypted values.
        hide_parameters=True,
        connect_args={"connect_timeout": CONNECT_SECONDS},
    )
    event.listen(engine.sync_engine, "connect", _limit_idle_transactions)
    event.listen(engine.sync_engine, "handle_error", _lost_while_idle)
    return Database(engine, async_sessionmaker(engine, expire_on_commit=False), database_url)


def _limit_idle_transactions(connection: DBAPIConnection, _: object) -> None:
    # Not among the URL's options, which belong to whoever wrote DATABASE_URL.
    cursor = connection.cursor()
    cursor.execute(f"SET idle_in_transaction_session_timeout = '{IDLE_SECONDS}s'")
    cursor.close()
    connection.commit()


def _lost_while_idle(context: ExceptionContext) -> OperationalError | None:
    """A connection that was closed by the limit is as lost as any other."""
    error = context.original_exception
    if not isinstance(error, psycopg.errors.IdleInTransactionSessionTimeout):
        return None
    context.is_disconnect = True
    return OperationalError(context.statement, None, error, hide_parameters=True, connection_invalidated=True)


async def driver_connection(session: AsyncSession) -> AsyncConnection:
    """The psycopg connection of the session's transaction, for libraries that have to join the transaction."""
    raw = await (await session.connection()).get_raw_connection()
    connection = raw.driver_connection
    if not isinstance(connection, AsyncConnection):
        raise TypeError(f"expected a psycopg connection, got {type(connection).__name__}")
    return connection
