"""The live hub: one LISTEN connection a process, fanned out to bounded queues, one for each open stream.

A signal says only *what* changed; who hears it fetches the thing anew, with permission checked each time.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg
import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.db import Database
from app.errors import TooManyError

CHANNEL = "stationmaster"
ALLOWED_IPS = "allowed_ips"
"""The topic of all allowed IPs, and of the shared stack's runs, which put them into the firewall."""
RUNS = "runs"
"""The topic of the workers: there may be a run to claim."""
QUEUE_LENGTH = 100
MOST_STREAMS = 1000
MOST_STREAMS_A_MEMBER = 40
"""Open at once in one process: a browser has one for each tab that it shows."""
RECONNECT_SECONDS = 1.0
RETRY_SECONDS = 30

log = structlog.get_logger()


def run_topic(run_id: str) -> str:
    """Signals about one run: its state, resources and log."""
    return f"run:{run_id}"


def stack_topic(stack_id: str) -> str:
    """Signals about one stack, and so about the workstation that it is."""
    return f"stack:{stack_id}"


def member_topic(member_id: str) -> str:
    """Signals about anything of one member."""
    return f"member:{member_id}"


def access_topic(member_id: str) -> str:
    """Signals that something with which this member gets in has ended: a sign-in, a token, or all of them."""
    return f"access:{member_id}"


def snapshot_topic(name: str) -> str:
    """Signals about one snapshot: it was asked for, or taken."""
    return f"snapshot:{name}"


async def signal(session: AsyncSession, *topics: str) -> None:
    """Tell everybody who watches these topics, when this session's transaction commits."""
    notify = text("SELECT pg_notify(:channel, topic) FROM unnest(CAST(:topics AS text[])) AS topic")
    await session.execute(notify, {"channel": CHANNEL, "topics": list(topics)})


async def wake_workers(session: AsyncSession) -> None:
    """There may be a run to claim, once this session's transaction commits."""
    await signal(session, RUNS)


Signals = asyncio.Queue[str | None]
"""Topics that changed; None when the process is about to stop."""


class Hub:
    """Hands the database's notifications to whoever subscribed to their topic."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._subscribers: defaultdict[str, set[Signals]] = defaultdict(set)
        self._open: Counter[str] = Counter()
        self._task: asyncio.Task[None] | None = None
        self.closing = False

    @contextmanager
    def open_stream(self, member_id: str) -> Iterator[None]:
        """Count one more stream of this member. Raises TooManyError where there are as many as may be."""
        if self._open[member_id] >= MOST_STREAMS_A_MEMBER or self._open.total() >= MOST_STREAMS:
            raise TooManyError("Too many pages are open at once to keep all of them up to date.", RETRY_SECONDS)
        self._open[member_id] += 1
        try:
            yield
        finally:
            self._open[member_id] -= 1
            # Without the entries of nobody.
            self._open = +self._open

    @contextmanager
    def subscribe(self, *topics: str) -> Iterator[Signals]:
        """A queue of these topics' signals. A slow reader loses the oldest: it fetches the newest state anyway."""
        signals: Signals = asyncio.Queue(QUEUE_LENGTH)
        if self.closing:
            signals.put_nowait(None)
        for topic in topics:
            self._subscribers[topic].add(signals)
        try:
            yield signals
        finally:
            for topic in topics:
                self._subscribers[topic].discard(signals)
                if not self._subscribers[topic]:
                    del self._subscribers[topic]

    def start(self) -> None:
        """Begin to listen; whatever ends that, it begins anew: streams would otherwise go silent, and nobody notice."""
        self._task = asyncio.create_task(self._listen(), name="hub")
        self._task.add_done_callback(self._ended)

    def close(self) -> None:
        """End every stream, so that the server can stop."""
        self.closing = True
        for queues in list(self._subscribers.values()):
            for signals in list(queues):
                _put(signals, None)

    async def stop(self) -> None:
        """Stop listening."""
        self.close()
        if self._task:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _listen(self) -> None:
        while True:
            try:
                async with await self._database.listen_connection() as connection:
                    await connection.execute(f"LISTEN {CHANNEL}")
                    self._wake_all()
                    async for notification in connection.notifies():
                        self._publish(notification.payload)
            except psycopg.OperationalError as error:
                log.warning("hub lost the database, will reconnect", error=str(error))
                await asyncio.sleep(RECONNECT_SECONDS)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and not self.closing:
            log.error("the hub has stopped listening, will begin anew", exc_info=task.exception())
            asyncio.get_running_loop().call_later(RECONNECT_SECONDS, self._start_unless_closing)

    def _start_unless_closing(self) -> None:
        if not self.closing:
            self.start()

    def _publish(self, topic: str) -> None:
        for signals in self._subscribers.get(topic, ()):
            _put(signals, topic)

    def _wake_all(self) -> None:
        """What was signalled while nobody listened is lost, so everybody looks once."""
        for topic in list(self._subscribers):
            self._publish(topic)


def _put(signals: Signals, topic: str | None) -> None:
    if signals.full():
        signals.get_nowait()
    signals.put_nowait(topic)
