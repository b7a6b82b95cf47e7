"""Carrying a kill out, and writing down whom it disturbed."""

from collections.abc import Callable
from dataclasses import dataclass, field

from tests.chaos import points, processes
from tests.chaos.host import Host
from tests.chaos.points import Scene
from tests.chaos.script import Kill, Victim
from tests.chaos.world import World, now


@dataclass(frozen=True)
class Strike:
    """A kill that was carried out (or not: then it has no victims)."""

    kill: Kill
    run_id: str
    at: float
    """Seconds since the epoch."""
    victims: tuple[str, ...] = ()
    """Who died, in words."""
    disturbed: frozenset[str] = frozenset()
    """The runs that had something to do with it."""

    def __str__(self) -> str:
        return f"run {self.run_id}: {self.kill}: {', '.join(self.victims) or 'it never came to it'}"


@dataclass
class Killer:
    """Kills what a round's script says, one run at a time each; `strikes` is what came of it."""

    world: World
    strikes: list[Strike] = field(default_factory=list)

    def follow(self, kills: tuple[Kill, ...], scene: Scene) -> None:
        """One run's kills, in turn."""
        for kill in kills:
            with points.at(kill, scene) as reached:
                self.strike(kill, scene.run_id, self._host(kill, scene) if reached else None, scene)
            scene.files.mark()

    def strike(self, kill: Kill, run_id: str, host: Host | None, scene: Scene | None = None) -> None:
        """Kill on that host; None where the moment never came."""
        victims: tuple[str, ...] = ()
        disturbed = frozenset({run_id})
        if host is not None:
            with self.world.lock:
                if kill.victim.is_host:
                    victims, disturbed = self._host_dies(kill, host, run_id)
                elif scene:
                    victims = self._process_dies(kill.victim, host, scene)
        self.strikes.append(Strike(kill, run_id, now(), victims, disturbed if victims else frozenset()))

    def _host(self, kill: Kill, scene: Scene) -> Host | None:
        """Where the run's worker is; or, if it has none or Terraform is meant, where its files are."""
        holder = self.world.host_of(scene.run_id) if kill.victim.is_host else None
        return holder or scene.files.host

    def _host_dies(self, kill: Kill, host: Host, run_id: str) -> tuple[tuple[str, ...], frozenset[str]]:
        """One host at least is there, or comes back at once: a portal without workers shows nothing."""
        disturbed = frozenset({run_id, *self.world.held_by(host)})
        was_up = host.is_up
        host.die(kill.victim, kill.away)
        if kill.away:
            for other in self.world.hosts:
                if other is not host:
                    other.back_at = 0.0
        return ((f"{kill.victim} {host.name}",) if was_up or kill.victim is not Victim.WORKER else ()), disturbed

    @staticmethod
    def _process_dies(victim: Victim, host: Host, scene: Scene) -> tuple[str, ...]:
        pids = scene.files.pids(host)[victim]
        described = {pid: processes.describe(pid) for pid in pids}
        return tuple(words for pid, words in described.items() if processes.kill(pid))

    def before_claim(self, kill: Kill, spec: Callable[[], str | None]) -> str | None:
        """Send the wish, and kill the worker that is about to claim its run; returns the run."""
        with points.before_claim(self.world, spec) as (run_id, host):
            if run_id is not None:
                self.strike(kill, run_id, host)
        return run_id
