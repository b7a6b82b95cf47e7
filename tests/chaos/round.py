"""One round: people at work and trouble about them, then quiet, then the question whether all is as it should be."""

import random
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import chain

from tests.chaos import invariants, outside, processes, things
from tests.chaos import script as scripts
from tests.chaos.findings import Fault, Finding
from tests.chaos.left_over import left_over
from tests.chaos.people import Admin, Person
from tests.chaos.script import SHARED, Script, Size
from tests.chaos.striker import Strike, Striker
from tests.chaos.world import World

STUCK_AFTER_S = 120.0
"""A run that is not final so long after the last request and the last disturbance never will be."""
WAITS_S = 120.0
"""So much longer where Google has no capacity: a run that has tried all zones waits for a minute, and tries again."""
MOST_THREADS = 60


@dataclass
class Result:
    """What came of one round."""

    number: int
    seed: int
    scripts: list[Script]
    strikes: list[Strike] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    accepted: list[str] = field(default_factory=list)
    """What was asked for, in words, as often as the portal accepted it."""
    outside: list[str] = field(default_factory=list)
    """What happened to machines outside the portal at the end."""
    posts: int = 0
    """How many records the portal took from machines that posted them."""
    recoveries: list[float] = field(default_factory=list)
    """Seconds from a run's last disturbance to its end, for each run that had one."""
    seconds: float = 0.0

    def __str__(self) -> str:
        """In words, for whoever replays it."""
        lines = [f"round {self.number}, seed {self.seed}, {self.seconds:.0f} s"]
        for script in self.scripts:
            lines += [f"  {script.name}", *(f"    {spec}" for spec in script.requests)]
        lines += [f"  {time.strftime('%X', time.gmtime(each.at))} {each}" for each in self.strikes]
        return "\n".join([*lines, *(f"  {finding}" for finding in self.findings)])


class Round:
    """Plays one seed in a world."""

    def __init__(self, world: World, number: int, seed: int, size: Size, *, cancels: bool) -> None:
        self._world, self._began = world, time.monotonic()
        self._dice, self._outside = random.Random(f"{seed} outside"), size.outside
        self._disturbed_at = self._began
        self._result = Result(number, seed, scripts.write(seed, size, cancels=cancels))
        self._given_up, self._posts_before = False, world.web.posts
        waits = any(request.stock_outs for script in self._result.scripts for request in script.requests)
        self._stuck_after = STUCK_AFTER_S + WAITS_S * waits

    def play(self) -> Result:
        """All of it, to the end."""
        with ThreadPoolExecutor(MOST_THREADS) as pool:
            striker = Striker(self._world, pool, self._result.strikes)
            people = [
                (Admin if script.name == SHARED else Person)(self._world, script, striker, pool, lambda: self._given_up)
                for script in self._result.scripts
            ]
            playing = [pool.submit(person.play) for person in people]
            self._await_quiet(people, playing, striker)
            for future in chain(playing, *(person.followers for person in people), striker.endings):
                future.result()
        self._measure(people)
        self._result.accepted = [
            f"{each.spec.act}{'' if each.spec.machine else ' the shared stack'}"
            for person in people
            for each in person.promises
        ]
        self._world.await_ready()
        self._result.findings += invariants.check(self._world, people)
        if not self._result.findings and self._dice.random() < self._outside:
            machines = outside.draw(self._world, people, self._dice)
            self._result.outside = [machine.event for machine in machines]
            self._result.findings += outside.play(self._world, machines, self._dice)
            # What comes back may be followed by a run that nobody requested, such as one for its keys.
            processes.until(lambda: not self._open_runs(people), self._stuck_after, every=0.1)
            self._result.findings += invariants.check(self._world, people)
        if not self._result.findings:
            self._result.findings += self._destroy_what_is_left(people)
        self._result.posts = self._world.web.posts - self._posts_before
        self._result.seconds = time.monotonic() - self._began
        return self._result

    def _await_quiet(self, people: list[Person], playing: "list[Future[None]]", striker: Striker) -> None:
        """Until every script is played and every run final, or for too long after the last event."""

        def is_quiet() -> bool:
            return all(future.done() for future in playing) and striker.is_at_rest and not self._open_runs(people)

        while not is_quiet():
            if not striker.is_at_rest:
                self._disturbed_at = time.monotonic()
            strikes = [each.at - time.time() + time.monotonic() for each in striker.strikes]
            last = max([self._began, self._disturbed_at, *strikes, *(person.last_request_at for person in people)])
            if time.monotonic() - last > self._stuck_after:
                break
            time.sleep(0.1)
        self._given_up = True

    def _open_runs(self, people: list[Person]) -> bool:
        stacks = [promise.stack_id for person in people for promise in person.promises]
        return any(run["finished_at"] is None for run in self._world.runs_of(stacks))

    def _measure(self, people: list[Person]) -> None:
        """Those that wait for capacity take as long as that takes."""
        waiting = {each.run_id for person in people for each in person.promises if each.spec.stock_outs}
        last: dict[str, float] = {}
        for strike in self._result.strikes:
            last |= dict.fromkeys(strike.disturbed, strike.at)
        ended = self._world.rows("SELECT id, finished_at FROM runs WHERE id = ANY(%s)", list(last.keys() - waiting))
        spans = [run["finished_at"].timestamp() - last[run["id"]] for run in ended if run["finished_at"]]
        self._result.recoveries = [span for span in spans if span > 0]

    def _destroy_what_is_left(self, people: list[Person]) -> list[Finding]:
        """In peace: what survived must be whole enough to be taken down."""
        for person in people:
            person.destroy_all()
        if not processes.until(lambda: not self._open_runs(people), STUCK_AFTER_S, every=0.1):
            return [Finding(Fault.STUCK, "destroying what was left did not end")]
        stacks = sorted({promise.stack_id for person in people for promise in person.promises})
        return [
            *(Finding(Fault.ORPHANED, f"{id_} is still there after a destroy") for id_ in things.left(self._world)),
            *left_over(self._world, [run["id"] for run in self._world.runs_of(stacks)]),
        ]
