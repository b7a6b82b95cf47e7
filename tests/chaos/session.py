"""Many rounds: a few worlds at a time, each playing one round after the other."""

import json
import shutil
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.chaos.round import Result, Round
from tests.chaos.script import SMALL, WHOLE, seed_of
from tests.chaos.trouble import Kind
from tests.chaos.world import World
from tests.database import dump
from tests.portal_process import ROOT


class Session:
    """Plays rounds 1 to `rounds` of a seed, `at_once` of them at a time. A failing round's folder is kept."""

    def __init__(
        self,
        rounds: int,
        seed: int,
        *,
        at_once: int,
        small: bool = False,
        cancels: bool = False,
        other_release: Path = ROOT,
    ) -> None:
        """`other_release` is the checkout whose code every second worker runs."""
        self._numbers = iter(range(1, rounds + 1))
        self._seed, self._at_once, self._small, self._cancels = seed, at_once, small, cancels
        self._size = SMALL if small else WHOLE
        self._releases = (ROOT, other_release)
        self._folder = Path(tempfile.mkdtemp(prefix="stationmaster-chaos-"))
        self._lock = threading.Lock()
        self._ends_early = False
        self.results: list[Result] = []

    def play(self) -> list[Result]:
        """All rounds; returns their results in order."""
        with ThreadPoolExecutor(self._at_once) as lanes:
            for future in [lanes.submit(self._lane) for _ in range(self._at_once)]:
                future.result()
        if not any(result.findings for result in self.results):
            shutil.rmtree(self._folder, ignore_errors=True)
        return sorted(self.results, key=lambda result: result.number)

    def end_early(self) -> None:
        """Begin no more rounds; those under way are played to their end."""
        self._ends_early = True

    def _lane(self) -> None:
        """Rounds in one world; after a failing one in a new world, since there may be things left in the old."""
        numbers = self._next_numbers()
        number = next(numbers, None)
        while number is not None:
            world = World(
                self._folder / f"world-{number}", self._releases, own_disks=Kind.DISK_FULL in self._size.kinds
            )
            world.start()
            try:
                failed = False
                while number is not None and not failed:
                    failed = self._round(world, number)
                    number = next(numbers, None)
            finally:
                world.stop()
            if not failed:
                shutil.rmtree(world.folder, ignore_errors=True)

    def _next_numbers(self) -> Iterator[int]:
        while True:
            with self._lock:
                number = next(self._numbers, None)
            if number is None or self._ends_early:
                return
            yield number

    def _round(self, world: World, number: int) -> bool:
        """Play one; returns whether it failed."""
        seed = seed_of(self._seed, number)
        result = Round(world, number, seed, self._size, cancels=self._cancels).play()
        with self._lock:
            self.results.append(result)
            print(self._told(world, result), flush=True)
        if result.findings:
            _keep_evidence(world, result)
        return bool(result.findings)

    def _told(self, world: World, result: Result) -> str:
        if not result.findings:
            made = sum(bool(strike.victims) for strike in result.strikes)
            return f"round {result.number}, seed {result.seed}: {made} troubles, all well after {result.seconds:.0f} s"
        more = " SMALL=1" * self._small + " CANCELS=1" * self._cancels
        again = f"make chaos ROUNDS=1 SEED={result.seed}{more}"
        return f"{result}\n  everything is in {world.folder}\n  again: {again}"


def _keep_evidence(world: World, result: Result) -> None:
    """The database goes with the world: what is in it is written beside the logs."""
    (world.folder / "round.txt").write_text(f"{result}\n")
    (world.folder / "rows.txt").write_text(dump(world.database.url))
    for stack in world.rows("SELECT id FROM stacks"):
        states = json.dumps(world.states(stack["id"]), indent=1)
        (world.folder / f"states-{stack['id']}.json").write_text(states)
    (world.folder / "calls.json").write_text(json.dumps(world.emulator.log_of_calls(), indent=1))
