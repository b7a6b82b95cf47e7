"""Making trouble, ending it again, and writing down whom it disturbed."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial

import psycopg

from tests.chaos import full_disk, points, processes
from tests.chaos.host import LEAVES_WITHIN_S, Host
from tests.chaos.points import Scene
from tests.chaos.trouble import Kind, Trouble
from tests.chaos.world import World, now, other_release

End = Callable[[], object]


@dataclass(frozen=True)
class Strike:
    """Trouble that was made (or not: then it has no victims)."""

    trouble: Trouble
    run_id: str
    at: float
    """When it was over; seconds since the epoch."""
    victims: tuple[str, ...] = ()
    """Whom it met, in words."""
    disturbed: frozenset[str] = frozenset()
    """The runs that had something to do with it."""

    def __str__(self) -> str:
        return f"run {self.run_id}: {self.trouble}: {', '.join(self.victims) or 'it never came to it'}"


@dataclass
class Striker:
    """Makes what trouble a round's script says, one run at a time each; `strikes` is what came of it."""

    world: World
    pool: ThreadPoolExecutor
    strikes: list[Strike] = field(default_factory=list)
    endings: "list[Future[None]]" = field(default_factory=list)

    @property
    def is_at_rest(self) -> bool:
        """Whether all that was begun is over."""
        return all(ending.done() for ending in self.endings)

    def follow(self, troubles: tuple[Trouble, ...], scene: Scene) -> None:
        """One run's troubles, in turn."""
        for trouble in troubles:
            try:
                with points.at(trouble, scene) as reached:
                    self.strike(trouble, scene.run_id, scene if reached else None)
            except psycopg.OperationalError:
                self.strikes.append(Strike(trouble, scene.run_id, now()))  # the database was in trouble already
            scene.files.mark()

    def before_claim(self, trouble: Trouble, spec: Callable[[], str | None]) -> str | None:
        """Send the request; trouble begins as a worker is about to claim its run. Returns the run."""
        with points.before_claim(self.world, spec) as (run_id, host):
            if run_id is not None:
                self._strike(trouble, run_id, host, None)
        return run_id

    def strike(self, trouble: Trouble, run_id: str, scene: Scene | None) -> None:
        """Make it now; None where the moment never came."""
        host = None
        if scene and trouble.kind.is_of_host:
            # Where the run's worker is; or, if it has none, where its files are.
            host = self.world.host_of(run_id) or scene.files.host
        elif scene:
            host = scene.files.host or self.world.hosts[0]
        self._strike(trouble, run_id, host, scene)

    def _strike(self, trouble: Trouble, run_id: str, host: Host | None, scene: Scene | None) -> None:
        disturbed = self._disturbed(trouble.kind, host) if host else frozenset[str]()
        victims, thing, end = self._begin(trouble, host, scene) if host else ((), "", None)
        strike = Strike(trouble, run_id, now(), victims, disturbed | {run_id} if victims else frozenset())
        if end:
            self.endings.append(self.pool.submit(self._end, strike, thing, end))
        else:
            self.strikes.append(strike)

    def _begin(self, trouble: Trouble, host: Host, scene: Scene | None) -> "tuple[tuple[str, ...], str, End | None]":
        """Returns whom it met, the name of what is in trouble, and what ends that."""
        with self.world.lock:
            if trouble.kind.is_of_run:
                return (_kill_of_run(trouble.kind, host, scene) if scene else ()), "", None
            thing = host.name if trouble.kind.is_of_host else _SHARED[trouble.kind]
            if thing in self.world.in_trouble:
                return (), thing, None
            is_met, end = _BEGIN[trouble.kind](self.world, host, trouble)
            if end:
                self.world.in_trouble.add(thing)
            return ((thing,) if is_met else ()), thing, end

    def _disturbed(self, kind: Kind, host: Host) -> frozenset[str]:
        if kind.is_of_run:
            return frozenset()
        return frozenset(self.world.held_by(host)) if kind.is_of_host else self.world.open_runs()

    def _end(self, strike: Strike, thing: str, end: End) -> None:
        time.sleep(strike.trouble.lasts)
        try:
            end()
        finally:
            self.world.in_trouble.discard(thing)
            self.strikes.append(replace(strike, at=now()))


Begun = tuple[bool, End | None]
"""Whether it met anybody; and what ends it after its time, where that has to be done."""


def _kill_of_run(kind: Kind, host: Host, scene: Scene) -> tuple[str, ...]:
    pids = scene.files.pids(host)[kind.partition(" ")[0]]
    described = {pid: processes.describe(pid) for pid in pids}
    return tuple(words for pid, words in described.items() if processes.kill(pid))


def _host_dies(world: World, host: Host, trouble: Trouble) -> Begun:
    """One host at least is there, or comes back at once: a portal without workers shows nothing."""
    was_up = host.is_up
    host.die(trouble.kind, trouble.lasts)
    if trouble.lasts:
        for other in world.hosts:
            if other is not host:
                other.back_at = 0.0
    return was_up or trouble.kind is not Kind.WORKER, None


def _worker_freezes(world: World, host: Host, trouble: Trouble) -> Begun:
    if not host.is_up:
        return False, None
    host.freeze(beside=trouble.kind is Kind.ZOMBIE_BESIDE)

    def end() -> None:
        with world.lock:
            host.resume()
        processes.until(host.forget_beside, LEAVES_WITHIN_S)

    return True, end


def _worker_is_replaced(world: World, host: Host, _: Trouble) -> Begun:
    if not host.is_up:
        return False, None
    pid = host.pid
    host.leave(other_release(world, host))
    return True, lambda: processes.until(lambda: host.pid not in {0, pid}, LEAVES_WITHIN_S)


def _disk_fills(_: World, host: Host, __: Trouble) -> Begun:
    if not full_disk.fill(host.data):
        return False, None
    return True, partial(full_disk.free, host.data)


def _web_dies(world: World, _: Host, trouble: Trouble) -> Begun:
    return world.web.kill(trouble.lasts), None


def _database_dies(world: World, _: Host, __: Trouble) -> Begun:
    world.database.kill()
    return True, world.database.start


def _database_hangs(world: World, _: Host, __: Trouble) -> Begun:
    world.database.hang()
    return True, world.database.resume


def _database_fails_over(world: World, _: Host, __: Trouble) -> Begun:
    world.database.end()
    return True, world.database.start


def _google_refuses(world: World, _: Host, __: Trouble) -> Begun:
    world.line.refuse()
    return True, world.line.restore


def _google_hangs(world: World, _: Host, __: Trouble) -> Begun:
    world.line.hang()
    return True, world.line.restore


_SHARED = {
    Kind.WEB: "web",
    Kind.DATABASE: "database",
    Kind.DATABASE_HANGS: "database",
    Kind.FAILOVER: "database",
    Kind.GOOGLE_REFUSES: "Google",
    Kind.GOOGLE_HANGS: "Google",
}
"""Whom it meets, where that is no host."""
_BEGIN: dict[Kind, Callable[[World, Host, Trouble], Begun]] = {
    Kind.WORKER: _host_dies,
    Kind.HOST: _host_dies,
    Kind.HOST_AND_FILES: _host_dies,
    Kind.ZOMBIE: _worker_freezes,
    Kind.ZOMBIE_BESIDE: _worker_freezes,
    Kind.RELEASE: _worker_is_replaced,
    Kind.DISK_FULL: _disk_fills,
    Kind.WEB: _web_dies,
    Kind.DATABASE: _database_dies,
    Kind.DATABASE_HANGS: _database_hangs,
    Kind.FAILOVER: _database_fails_over,
    Kind.GOOGLE_REFUSES: _google_refuses,
    Kind.GOOGLE_HANGS: _google_hangs,
}
