"""What a round does, drawn from its seed alone: what is wished for each workstation, and what is killed meanwhile."""

import hashlib
import random
from dataclasses import dataclass, replace
from enum import StrEnum

MACHINE_TYPES = ("e2-standard-4", "e2-standard-8", "e2-standard-16")
AWAY_SECONDS = 20.0
"""Longer than a lease: the other host takes over."""


class Act(StrEnum):
    """What is asked of the portal."""

    CREATE = "create"
    CHANGE = "change"
    DESTROY = "destroy"


class Point(StrEnum):
    """When something is killed."""

    BEFORE_CLAIM = "before the claim commits"
    AFTER_START = "after apply_start"
    BETWEEN = "between two resources"
    BEFORE_LAST_STATE = "before the last state is stored"
    AFTER_DESTROY_OF_ONE = "after the destroy of one"
    RANDOM = "at a random moment"


class Victim(StrEnum):
    """What is killed, with SIGKILL."""

    WORKER = "worker"
    SHIM = "shim"
    TERRAFORM = "terraform"
    PROVIDER = "provider"
    HOST = "host"
    """Everything on the host dies; its files stay, as after a power cut."""
    HOST_AND_FILES = "host+files"
    """Everything on the host dies, and its files are gone: the machine is lost."""

    @property
    def is_host(self) -> bool:
        """Whether the worker dies too."""
        return self in {Victim.WORKER, Victim.HOST, Victim.HOST_AND_FILES}


ACTS = {
    Point.BEFORE_CLAIM: set(Act),
    Point.AFTER_START: {Act.CREATE, Act.CHANGE},
    Point.BETWEEN: {Act.CREATE},
    Point.BEFORE_LAST_STATE: set(Act),
    Point.AFTER_DESTROY_OF_ONE: {Act.DESTROY},
    Point.RANDOM: set(Act),
}
"""What goes through which point."""
VICTIMS = {
    Victim.WORKER: 4,
    Victim.HOST_AND_FILES: 3,
    Victim.HOST: 2,
    Victim.TERRAFORM: 2,
    Victim.PROVIDER: 2,
    Victim.SHIM: 1,
}
"""How likely each is: every second takeover is to be without the old folder."""


@dataclass(frozen=True)
class Size:
    """How much happens in a round: from the least to the most."""

    scripts: tuple[int, int]
    kills: tuple[int, int]
    """Each may interrupt every run of the round, and the portal gives a run up whose workers die five times."""
    changes: tuple[int, int]


WHOLE = Size(scripts=(2, 4), kills=(2, 4), changes=(0, 2))
SMALL = Size(scripts=(1, 1), kills=(1, 2), changes=(0, 1))


@dataclass(frozen=True)
class Kill:
    """One disturbance of one run."""

    point: Point
    victim: Victim
    delay: float
    """Seconds into the run; counts for a random moment only."""
    away: float
    """Seconds until a host that was killed is back."""

    def __str__(self) -> str:
        away = f", back after {self.away:.0f} s" if self.victim.is_host else ""
        delay = f" ({self.delay:.1f} s)" if self.point is Point.RANDOM else ""
        return f"kill the {self.victim} {self.point}{delay}{away}"


@dataclass(frozen=True)
class Machine:
    """All of a machine that may be changed, so that the last wish alone says what is to be there."""

    machine_type: str
    disk_size_gb: int
    spot: bool


@dataclass(frozen=True)
class Request:
    """One request to the portal."""

    act: Act
    machine: Machine
    """As wished for so far; a destroy changes nothing of it."""
    keep_disk: bool = False
    pause: float | None = None
    """Seconds since the wish before; None: when that one's run has ended."""
    kills: tuple[Kill, ...] = ()
    """Of its run, one after the other."""
    cancels: tuple[tuple[float, str], ...] = ()
    """How its run is cancelled, ever harder: (seconds to wait first, mode)."""

    def has(self, point: Point) -> bool:
        """Whether something is killed there."""
        return any(kill.point is point for kill in self.kills)

    def __str__(self) -> str:
        when = "then" if self.pause is None else f"after {self.pause:.1f} s"
        what = f"{self.act} {self.machine}" if self.act is not Act.DESTROY else f"destroy, keep_disk={self.keep_disk}"
        cancels = [f"cancel ({mode}) after {delay:.1f} s" for delay, mode in self.cancels]
        return "; ".join([f"{when} {what}", *map(str, self.kills), *cancels])


@dataclass(frozen=True)
class Script:
    """What happens to one workstation."""

    name: str
    wishes: tuple[Request, ...]


def seed_of(seed: int, number: int) -> int:
    """The seed of one round of many; of the first it is the seed itself, so that any round can be replayed alone."""
    return seed if number == 1 else int(hashlib.sha256(f"{seed}:{number}".encode()).hexdigest()[:8], 16)


def write(seed: int, size: Size, *, cancels: bool) -> list[Script]:
    """The scripts of a round."""
    dice = random.Random(seed)
    wishes = [_wishes(dice, size) for _ in range(dice.randint(*size.scripts))]
    for _ in range(dice.randint(*size.kills)):
        _add_kill(wishes, dice)
    if cancels:
        _add_cancels(wishes, random.Random(f"{seed} cancels"))
    return [Script(f"c{seed:x}-{number}", tuple(each)) for number, each in enumerate(wishes, start=1)]


def _wishes(dice: random.Random, size: Size) -> list[Request]:
    """A create, some changes, often a destroy, and sometimes more after that."""
    machine = Machine(dice.choice(MACHINE_TYPES), dice.randrange(20, 60, 10), spot=dice.random() < 0.2)
    wishes = [Request(Act.CREATE, machine)]
    for _ in range(dice.randint(*size.changes)):
        machine = Machine(
            dice.choice(MACHINE_TYPES),
            machine.disk_size_gb + dice.choice((0, 10)),
            machine.spot ^ (dice.random() < 0.15),
        )
        wishes.append(Request(Act.CHANGE, machine, pause=_pause(dice)))
    if dice.random() < 0.6:
        keep = dice.random() < 0.4
        wishes.append(Request(Act.DESTROY, machine, keep_disk=keep, pause=_pause(dice)))
        if keep and dice.random() < 0.4:
            wishes.append(Request(Act.DESTROY, machine, pause=_pause(dice)))
        if dice.random() < 0.3:
            wishes.append(Request(dice.choice((Act.CREATE, Act.CHANGE)), machine, pause=_pause(dice)))
    return wishes


def _pause(dice: random.Random) -> float | None:
    return None if dice.random() < 0.4 else round(dice.uniform(0, 6), 1)


def _add_kill(scripts: list[list[Request]], dice: random.Random) -> None:
    """At any point that something in these scripts goes through, all points being equally likely."""
    places = {
        point: [
            (wishes, index)
            for wishes in scripts
            for index, spec in enumerate(wishes)
            if spec.act in ACTS[point] and not (point is Point.BEFORE_CLAIM and spec.has(point))
        ]
        for point in Point
    }
    point = dice.choice([point for point, those in places.items() if those])
    wishes, index = dice.choice(places[point])
    wishes[index] = _with_kill(wishes[index], point, dice)


def _with_kill(spec: Request, point: Point, dice: random.Random) -> Request:
    # Before and after Terraform nothing but workers is there to be killed.
    victims = [each for each in VICTIMS if each.is_host or point not in {Point.BEFORE_CLAIM, Point.BEFORE_LAST_STATE}]
    victim = dice.choices(victims, [VICTIMS[each] for each in victims])[0]
    kill = Kill(point, victim, delay=round(dice.uniform(0, 5), 1), away=dice.choice((0.0, 0.0, AWAY_SECONDS)))
    if point is Point.BEFORE_CLAIM:
        # While another run of the stack goes on, no worker would try to claim this one.
        return replace(spec, pause=None, kills=(kill, *spec.kills))
    return replace(spec, kills=(*spec.kills, kill))


def _add_cancels(scripts: list[list[Request]], dice: random.Random) -> None:
    """Of creates and changes: what a destroy has done cannot be undone, and so nothing says what must be there."""
    for wishes in scripts:
        for index, spec in enumerate(wishes):
            if spec.act is not Act.DESTROY and dice.random() < 0.3:
                modes = ("undo", "now", "force")[: dice.choice((1, 1, 2, 3))]
                cancels = [(round(dice.uniform(0, 5), 1), modes[0])]
                cancels += [(round(dice.uniform(0.2, 2), 1), mode) for mode in modes[1:]]
                wishes[index] = replace(spec, cancels=tuple(cancels))
