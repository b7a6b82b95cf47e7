"""Somebody at the API: plays one stack's script, and remembers what was promised."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import ClassVar

import httpx2

from tests.chaos.points import Scene
from tests.chaos.run_files import RunFiles
from tests.chaos.script import PARTS, Act, Request, Script
from tests.chaos.striker import Striker
from tests.chaos.trouble import Point, Trouble
from tests.chaos.world import World

ACCEPTED = {200, 201, 202}
REFUSED = 409
"""What does not fit what is there now, such as a change of a machine that is being destroyed: that promises nothing."""
AWAY = 503
LOOK_SECONDS = 0.1
AGAIN_SECONDS = 1.0
"""Web has died or its database is away: somebody tries again. Any transaction in flight is decided by then."""


@dataclass(frozen=True)
class Promise:
    """A request that the portal has accepted."""

    spec: Request
    stack_id: str
    run_id: str


@dataclass
class Person:
    """Plays one workstation's script. `promises` and `complaints` are what came of it; the last promise counts."""

    world: World
    script: Script
    striker: Striker
    pool: ThreadPoolExecutor
    is_given_up: Callable[[], bool]
    promises: list[Promise] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    followers: list[Future[None]] = field(default_factory=list)
    last_request_at: float = 0.0
    """By time.monotonic()."""
    approves: ClassVar[frozenset[Act]] = frozenset({Act.REVERT})
    """The requests whose plans wait for whoever made them."""

    @property
    def api(self) -> httpx2.Client:
        return self.world.member

    def play(self) -> None:
        """All requests, one after the other."""
        for spec in self.script.requests:
            self._pause(spec)
            if self.is_given_up():
                return
            if spec.stock_outs:
                self.world.emulator.fault("stock-out", id=f"/{self.script.name}-", times=spec.stock_outs)
            troubles = list(spec.troubles)
            if troubles and troubles[0].point is Point.BEFORE_CLAIM:
                run_id = self.striker.before_claim(troubles.pop(0), partial(self.send, spec))
            else:
                run_id = self.send(spec)
            if run_id:
                self._follow(run_id, spec, troubles)

    def _follow(self, run_id: str, spec: Request, troubles: list[Trouble]) -> None:
        if troubles:
            scene = Scene(self.world, run_id, RunFiles(self.world.hosts, run_id), self._over(run_id))
            self.followers.append(self.pool.submit(self.striker.follow, tuple(troubles), scene))
        if spec.cancels:
            self.followers.append(self.pool.submit(self._cancel, run_id, spec))
        if spec.act in self.approves:
            self.followers.append(self.pool.submit(self._approve, run_id, self._over(run_id)))

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
        """One request, again and again while the portal is away; returns its run, or None where the portal refused."""
        known = self._runs()
        while not self.is_given_up():
            made, is_settled = self._sent(spec)
            self.last_request_at = time.monotonic()
            if not is_settled:
                time.sleep(AGAIN_SECONDS)
                # Without an answer one does not know: it may have been accepted.
                made = next(((stack, run) for stack, run in reversed(self._runs()) if (stack, run) not in known), None)
            if made:
                self.promises.append(Promise(spec, *made))
                return made[1]
            if is_settled:
                return None
        return None

    def destroy_all(self) -> None:
        """Ask for the end of everything that was ever made here."""
        for stack_id in {promise.stack_id for promise in self.promises}:
            self.api.delete(f"/api/v1/workstations/{stack_id}")

    def _sent(self, spec: Request) -> tuple[tuple[str, str] | None, bool]:
        """Returns what it made (stack and run), and whether that is the last word."""
        try:
            answer = self._request(spec)
        except httpx2.TransportError:
            return None, False
        if answer.status_code not in ACCEPTED | {REFUSED, AWAY}:
            self.complaints.append(f"{spec.act} was answered with {answer.status_code}: {answer.text[:300]}")
        if answer.status_code not in ACCEPTED:
            return None, answer.status_code != AWAY
        return self._made(answer), True

    def _runs(self) -> list[tuple[str, str]]:
        """Stack and run of everything that was ever requested here, oldest first."""
        found = self.world.rows(
            "SELECT runs.stack_id, runs.id FROM runs JOIN workstations ON workstations.id = runs.stack_id"
            " WHERE workstations.name = %s AND runs.requested_by IS NOT NULL ORDER BY runs.created_at",
            self.script.name,
        )
        return [(row["stack_id"], row["id"]) for row in found]

    def _made(self, answer: httpx2.Response) -> tuple[str, str]:
        made = answer.json()
        return (made["id"] if answer.status_code == 201 else self.promises[-1].stack_id), made["run_id"]

    def _request(self, spec: Request) -> httpx2.Response:
        fields = spec.machine.fields if spec.machine else {}
        if spec.act is Act.CREATE:
            # Where somebody waits for capacity, others have to wait behind them, or fail.
            return self.api.post("/api/v1/workstations", json={"name": self.script.name, "wait_hours": 1, **fields})
        path = f"/api/v1/workstations/{self.promises[-1].stack_id}" if self.promises else "/api/v1/workstations/none"
        if spec.act is Act.CHANGE:
            return self.api.patch(path, json=fields)
        if spec.act is Act.DESTROY:
            return self.api.delete(path, params={"keep_disk": spec.keep_disk})
        if spec.act in {Act.OPEN, Act.REVERT}:
            return self._with_newest_snapshot(path, spec.act)
        return self.api.post(f"{path}/{spec.act}")

    def _with_newest_snapshot(self, path: str, act: Act) -> httpx2.Response:
        taken = self.api.get(f"{path}/snapshots")
        if taken.status_code != 200:
            return taken
        # The run that was to take one may have been superseded.
        newest = taken.json()[:1]
        if not newest:
            return httpx2.Response(REFUSED)
        return self.api.post(f"{path}/snapshots/{newest[0]['id']}/{act.rpartition('/')[2]}")

    def _cancel(self, run_id: str, spec: Request) -> None:
        """Too late, or too hard for now, is refused."""
        for delay, mode in spec.cancels:
            time.sleep(delay)
            try:
                answer = self.api.post(f"/api/v1/runs/{run_id}/cancel", json={"mode": mode})
            except httpx2.TransportError:
                continue
            if answer.status_code not in {*ACCEPTED, REFUSED, AWAY}:
                self.complaints.append(f"cancel was answered with {answer.status_code}: {answer.text[:300]}")

    def _approve(self, run_id: str, over: Callable[[], bool]) -> None:
        while not over():
            time.sleep(LOOK_SECONDS)
            try:
                run = self.api.get(f"/api/v1/runs/{run_id}")
                if run.status_code == 200 and run.json()["can_approve"]:
                    names = [each["name"] for each in run.json()["awaits"] if each["name"]]
                    self.api.post(f"/api/v1/runs/{run_id}/approve", json={"confirm": names})
            except httpx2.TransportError:
                continue


class Admin(Person):
    """Plays the script of the shared stack, and approves what waits for that."""

    approves = frozenset(Act)

    @property
    def api(self) -> httpx2.Client:
        return self.world.admin

    def destroy_all(self) -> None:
        answer = self.api.delete(SHARED_STACK)
        if answer.status_code in ACCEPTED:
            run_id, until = answer.json()["id"], time.monotonic() + APPROVED_WITHIN_S
            self._approve(run_id, lambda: self.world.is_over(run_id) or time.monotonic() > until)

    def _runs(self) -> list[tuple[str, str]]:
        found = self.world.rows(
            "SELECT runs.stack_id, runs.id FROM runs JOIN shared_stacks ON shared_stacks.id = runs.stack_id"
            " WHERE runs.requested_by IS NOT NULL ORDER BY runs.created_at"
        )
        return [(row["stack_id"], row["id"]) for row in found]

    def _made(self, answer: httpx2.Response) -> tuple[str, str]:
        made = answer.json()
        return made["workstation_id"], made["id"]

    def _request(self, spec: Request) -> httpx2.Response:
        if spec.act is Act.DESTROY:
            return self.api.delete(SHARED_STACK)
        settings = UNCHANGED | {f"deploy_{part}": part in spec.parts for part in PARTS}
        return self.api.patch(SHARED_STACK, json={"settings": settings})


APPROVED_WITHIN_S = 60.0
SHARED_STACK = "/api/v1/shared-stack"
SLOW = ("sql", "mlflow", "kubernetes")
UNCHANGED = {f"deploy_{part}": False for part in SLOW} | {
    "enable_services": False,
    "deletion_protection": False,
    "force_destroy_buckets": True,
}
