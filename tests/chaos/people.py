"""Somebody at the API: plays one workstation's script, and remembers what was promised."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

import httpx2

from tests.chaos.kills import Killer
from tests.chaos.points import Scene
from tests.chaos.run_files import RunFiles
from tests.chaos.script import Act, Point, Request, Script
from tests.chaos.world import World

ACCEPTED = {200, 201, 202}
REFUSED = 409
"""What does not fit what is there now, such as a change of a machine that is being destroyed: that promises nothing."""
LOOK_SECONDS = 0.1


@dataclass(frozen=True)
class Promise:
    """A wish that the portal has accepted."""

    spec: Request
    station_id: str
    run_id: str


@dataclass
class Person:
    """Plays one script. `promises` and `complaints` are what came of it; the last promise of a station counts."""

    world: World
    script: Script
    killer: Killer
    pool: ThreadPoolExecutor
    is_given_up: Callable[[], bool]
    promises: list[Promise] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    followers: list[Future[None]] = field(default_factory=list)
    last_wish_at: float = 0.0
    """By time.monotonic()."""

    def play(self) -> None:
        """All wishes, one after the other."""
        for spec in self.script.wishes:
            self._pause(spec)
            if self.is_given_up():
                return
            kills = list(spec.kills)
            if kills and kills[0].point is Point.BEFORE_CLAIM:
                run_id = self.killer.before_claim(kills.pop(0), partial(self.send, spec))
            else:
                run_id = self.send(spec)
            if run_id and kills:
                scene = Scene(self.world, run_id, RunFiles(self.world.hosts, run_id), self._over(run_id))
                self.followers.append(self.pool.submit(self.killer.follow, tuple(kills), scene))
            if run_id and spec.cancels:
                self.followers.append(self.pool.submit(self._cancel, run_id, spec))

    def _pause(self, spec: Request) -> None:
        if spec.pause is not None:
            time.sleep(spec.pause)
        elif self.promises:
            over = self._over(self.promises[-1].run_id)
            while not over():
                time.sleep(LOOK_SECONDS)

    def _over(self, run_id: str) -> Callable[[], bool]:
        return lambda: self.is_given_up() or self.world.is_over(run_id)

    def send(self, spec: Request) -> str | None:
        """One wish; returns its run, or None where the portal refused."""
        answer = self._request(spec)
        self.last_wish_at = time.monotonic()
        if answer.status_code == REFUSED:
            return None
        if answer.status_code not in ACCEPTED:
            self.complaints.append(f"{spec.act} was answered with {answer.status_code}: {answer.text[:300]}")
            return None
        made = answer.json()
        station_id = made["id"] if spec.act is Act.CREATE else self.promises[-1].station_id
        self.promises.append(Promise(spec, station_id, made["run_id"]))
        return str(made["run_id"])

    def _request(self, spec: Request) -> httpx2.Response:
        machine = {
            "machine_type": spec.machine.machine_type,
            "disk_size_gb": spec.machine.disk_size_gb,
            "spot": spec.machine.spot,
        }
        if spec.act is Act.CREATE:
            return self.world.api.post("/api/v1/workstations", json={"name": self.script.name, **machine})
        path = f"/api/v1/workstations/{self.promises[-1].station_id}" if self.promises else "/api/v1/workstations/none"
        if spec.act is Act.CHANGE:
            return self.world.api.patch(path, json=machine)
        return self.world.api.delete(path, params={"keep_disk": spec.keep_disk})

    def _cancel(self, run_id: str, spec: Request) -> None:
        """Too late, or too hard for now, is refused."""
        for delay, mode in spec.cancels:
            time.sleep(delay)
            answer = self.world.api.post(f"/api/v1/runs/{run_id}/cancel", json={"mode": mode})
            if answer.status_code not in {*ACCEPTED, REFUSED}:
                self.complaints.append(f"cancel was answered with {answer.status_code}: {answer.text[:300]}")
