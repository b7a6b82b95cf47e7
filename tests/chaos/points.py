"""The named points: each waits, looking from outside, until a run is just there, and keeps it there for the trouble."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import psycopg

from tests.chaos import processes
from tests.chaos.host import Host
from tests.chaos.run_files import Event, RunFiles
from tests.chaos.trouble import Point, Trouble
from tests.chaos.world import World

LOOK_SECONDS = 0.02
BLOCKED_WITHIN_S = 4.0
HELD_AT_MOST_S = 8.0
"""A row that we hold longer would cost its run the lease, and so be a disturbance of another kind."""


class RowLock:
    """A run's row, held so that no worker writes to it."""

    def __init__(self, connection: "psycopg.Connection[tuple[object, ...]]", world: World) -> None:
        self._pid, self._world = connection.info.backend_pid, world

    def await_waiting_host(self) -> Host | None:
        """The host whose worker waits for the row, once one does."""
        processes.until(self._waiting, BLOCKED_WITHIN_S, LOOK_SECONDS)
        return next(iter(self._waiting()), None)

    def _waiting(self) -> list[Host]:
        waiting = self._world.rows(
            "SELECT application_name AS name FROM pg_stat_activity WHERE %s = ANY(pg_blocking_pids(pid))", self._pid
        )
        names = {row["name"] for row in waiting}
        return [host for host in self._world.hosts if host.name in names]


@contextmanager
def row_held(world: World, run_id: str) -> Iterator[RowLock]:
    """SELECT … FOR UPDATE of a run's row, for as long as this lasts."""
    with psycopg.connect(world.database.url) as connection:
        connection.execute("SET lock_timeout = '3s'")
        connection.execute("SELECT 1 FROM runs WHERE id = %s FOR UPDATE", [run_id])
        yield RowLock(connection, world)
        connection.rollback()


@dataclass
class Scene:
    """One run under observation."""

    world: World
    run_id: str
    files: RunFiles
    is_over: Callable[[], bool]
    """Whether nothing more is to be waited for: the run is final, or the round is given up."""

    def until(self, condition: Callable[[], object]) -> bool:
        """Wait for it; False when the run is over first."""
        looks = 0
        while not condition():
            looks += 1
            if looks % 10 == 0 and self.is_over():
                return False
            time.sleep(LOOK_SECONDS)
        return True

    def first(self, *kinds: tuple[str, str | None]) -> Event | None:
        """The first event of one of these types (with that action, where one is named) since the mark."""
        for event in self.files.events():
            if any(event.type == type_ and action in {None, event.action} for type_, action in kinds):
                return event
        return None


@contextmanager
def at(trouble: Trouble, scene: Scene) -> Iterator[bool]:
    """Wait for the trouble's point; gives whether the run has come to it. It is held there, where that can be."""
    if trouble.point is Point.BEFORE_LAST_STATE:
        with _before_last_state(scene) as reached:
            yield reached
    elif trouble.point is Point.RANDOM:
        moment = time.monotonic() + trouble.delay
        yield scene.until(lambda: time.monotonic() > moment) and not scene.is_over()
    else:
        desired = {
            Point.AFTER_START: ("apply_start", None),
            Point.BETWEEN: ("apply_complete", None),
            Point.AFTER_DESTROY_OF_ONE: ("apply_complete", "delete"),
        }[trouble.point]
        yield scene.until(lambda: scene.first(desired)) and not _is_late(scene, desired)


def _is_late(scene: Scene, desired: tuple[str, str | None]) -> bool:
    """It was reached, but the command has ended meanwhile."""
    event = scene.first(desired)
    return event is None or scene.files.has_ended(event)


@contextmanager
def _before_last_state(scene: Scene) -> Iterator[bool]:
    """The row is held from the first resource on until Terraform has ended: what it wrote last is in its file only."""
    if not scene.until(lambda: scene.first(("apply_complete", None))):
        yield False
        return
    event = scene.first(("apply_complete", None))
    with row_held(scene.world, scene.run_id):
        yield event is not None and processes.until(lambda: scene.files.has_ended(event), HELD_AT_MOST_S, LOOK_SECONDS)


@contextmanager
def before_claim(world: World, send: Callable[[], str | None]) -> Iterator[tuple[str | None, Host | None]]:
    """Send a request and hold its run's row before any worker has it; gives the run, and the host that tries to claim.

    The workers stand still while we do, or one would be quicker. Where other trouble keeps us from it: no host.
    """
    run_id: str | None = None
    with ExitStack() as stack:
        try:
            with world.frozen_workers():
                run_id = send()
                lock = stack.enter_context(row_held(world, run_id)) if run_id else None
            host = lock.await_waiting_host() if lock else None
        except psycopg.OperationalError:
            host = None
        yield run_id, host
