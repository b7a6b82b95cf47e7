"""Live updates: one LISTEN connection per process, whose signals go to a bounded queue for each open stream.

A signal only says what has changed. The receiver fetches the new state, with its permissions checked.
"""

import asyncio
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from secrets import token_hex

import psycopg
import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.db import Database
from app.errors import TooManyError

CHANNEL = "stationmaster"
ALLOWED_IPS = "allowed_ips"
"""The topic of all allowed IPs, and of runs of the shared stack, which apply them to the firewall."""
RUNS = "runs"
"""The topic for workers: a run may be ready to be claimed."""
QUEUE_LENGTH = 100
MOST_TOPICS = 10_000
"""Topics of which a process remembers when they changed last."""
MOST_STREAMS = 1000
MOST_STREAMS_A_MEMBER = 40
"""Streams that one process keeps open for one member. A browser has one for each open page."""
RECONNECT_SECONDS = 1.0
RETRY_SECONDS = 30

log = structlog.get_logger()


def run_topic(run_id: str) -> str:
    """The topic of one run: its state, resources and log."""
    return f"run:{run_id}"


def stack_topic(stack_id: str) -> str:
    """The topic of one stack, and of its workstation."""
    return f"stack:{stack_id}"


def member_topic(member_id: str) -> str:
    """The topic of everything that one member owns."""
    return f"member:{member_id}"


def access_topic(member_id: str) -> str:
    """The topic for the end of a sign-in, token or role of one member."""
    return f"access:{member_id}"


def bulk_topic(action_id: str) -> str:
    """The topic of one action on many workstations."""
    return f"bulk:{action_id}"


def inspection_topic(name: str) -> str:
    """The topic of one inspection: it was requested or taken."""
    return f"inspection:{name}"


async def signal(session: AsyncSession, *topics: str) -> None:
    """Signal these topics when the session's transaction commits."""
    notify = text("SELECT pg_notify(:channel, topic) FROM unnest(CAST(:topics AS text[])) AS topic")
    await session.execute(notify, {"channel": CHANNEL, "topics": list(topics)})


async def wake_workers(session: AsyncSession) -> None:
    """Have workers look for runs when the session's transaction commits."""
    await signal(session, RUNS)


Signals = asyncio.Queue[str | None]
"""The topics that have changed; None if the process is shutting down."""


class Hub:
    """Receives the database's notifications, and hands them to the subscribers of their topics."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._subscribers: defaultdict[str, set[Signals]] = defaultdict(set)
        self._open: Counter[str] = Counter()
        self._name = token_hex(4)
        self._signals = 0
        self._last_signal: OrderedDict[str, int] = OrderedDict()
        # Topics that are not in _last_signal may have changed until then.
        self._forgotten = 0
        self._task: asyncio.Task[None] | None = None
        self.closing = False

    @contextmanager
    def open_stream(self, member_id: str) -> Iterator[None]:
        """Count a stream of this member as open. Raises TooManyError if there are too many."""
        if self._open[member_id] >= MOST_STREAMS_A_MEMBER or self._open.total() >= MOST_STREAMS:
            raise TooManyError("Too many pages are open at once to keep all of them up to date.", RETRY_SECONDS)
        self._open[member_id] += 1
        try:
            yield
        finally:
            self._open[member_id] -= 1
            # Removes entries whose count is zero.
            self._open = +self._open

    @property
    def moment(self) -> str:
        """Now, for `has_changed` later on, in this process or another one."""
        return f"{self._name}-{self._signals}"

    def has_changed(self, topic: str, since: str) -> bool:
        """Whether a topic may have changed after that moment. Another process's moment counts as long ago."""
        name, _, signals = since.partition("-")
        if name != self._name or not signals.isascii() or not signals.isdecimal():
            return True
        return self._last_signal.get(topic, self._forgotten) > int(signals[:18])

    @contextmanager
    def subscribe(self, *topics: str) -> Iterator[Signals]:
        """A queue with the signals of these topics."""
        # A slow reader loses the oldest signals, which does no harm: it fetches the newest state anyway.
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
        """Start to listen, and start again after any error."""
        self._task = asyncio.create_task(self._listen(), name="hub")
        self._task.add_done_callback(self._ended)

    def close(self) -> None:
        """End all streams, so that the server can stop."""
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
            # Otherwise live updates would stop without anybody noticing.
            log.error("the hub has stopped listening, will begin anew", exc_info=task.exception())
            asyncio.get_running_loop().call_later(RECONNECT_SECONDS, self._start_unless_closing)

    def _start_unless_closing(self) -> None:
        if not self.closing:
            self.start()

    def _publish(self, topic: str) -> None:
        self._signals += 1
        self._last_signal[topic] = self._signals
        self._last_signal.move_to_end(topic)
        if len(self._last_signal) > MOST_TOPICS:
            self._forgotten = self._last_signal.popitem(last=False)[1]
        for signals in self._subscribers.get(topic, ()):
            _put(signals, topic)

    def _wake_all(self) -> None:
        """Signal all topics, as signals may have been lost while nobody listened."""
        self._last_signal.clear()
        self._signals += 1
        self._forgotten = self._signals
        for topic in list(self._subscribers):
            self._publish(topic)


def _put(signals: Signals, topic: str | None) -> None:
    if signals.full():
        signals.get_nowait()
    signals.put_nowait(topic)
