"""What a round does, drawn from its seed alone: what is requested of each stack, and what trouble there is."""

import hashlib
import random
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from tests.chaos import trouble
from tests.chaos.trouble import QUICK, Kind, Point, Trouble

MACHINE_TYPES = ("e2-standard-4", "e2-standard-8", "e2-standard-16")
ZONES = ("europe-west4-b", "europe-west4-c")
"""To move to; the default zone is another one."""
SHARED = "shared"
"""The name of the script of the shared stack."""


class Act(StrEnum):
    """What is asked of the portal."""

    CREATE = "create"
    CHANGE = "change"
    DESTROY = "destroy"
    START = "start"
    STOP = "stop"
    RESTART = "restart"
    SNAPSHOT = "snapshots"
    OPEN = "snapshots/open"
    """The newest snapshot."""
    CLOSE = "snapshots/close"
    REVERT = "snapshots/revert"
    """The disk to the newest snapshot; whoever asks approves the plan."""
    CONFIGURE = "configure"
    """The shared stack."""

    @property
    def is_order(self) -> bool:
        """Whether Google is told by the Compute API, without Terraform."""
        return self in {Act.START, Act.STOP, Act.RESTART, Act.SNAPSHOT}

    @property
    def leaves_machine(self) -> bool:
        """Whether the machine stays as it is."""
        return self in {Act.SNAPSHOT, Act.OPEN, Act.CLOSE}


WITH_TERRAFORM = {act for act in Act if not act.is_order}
ACTS = {
    Point.BEFORE_CLAIM: set(Act),
    Point.AFTER_START: {Act.CREATE, Act.CHANGE, Act.OPEN, Act.REVERT, Act.CONFIGURE},
    Point.BETWEEN: {Act.CREATE, Act.CONFIGURE},
    Point.BEFORE_LAST_STATE: WITH_TERRAFORM,
    Point.AFTER_DESTROY_OF_ONE: {Act.DESTROY},
    Point.RANDOM: set(Act),
}
"""What goes through which point."""


@dataclass(frozen=True)
class Size:
    """How much happens in a round: from the least to the most."""

    scripts: tuple[int, int]
    troubles: tuple[int, int]
    changes: tuple[int, int]
    most_takeovers: int
    """Each may interrupt every run of the round, and the portal gives a run up whose workers die ten times."""
    kinds: frozenset[Kind]
    orders: float = 0.0
    """How likely a workstation is also stopped, started or restarted."""
    life: float = 0.0
    """How likely each of these is for a workstation: no capacity, a move, a snapshot, one that is opened, one that the
    disk is reverted to."""
    shared: float = 0.0
    """How likely the shared stack is worked on as well."""
    outside: float = 0.0
    """How likely machines are stopped, preempted and deleted outside the portal at the end."""


WHOLE = Size((2, 4), (3, 6), (0, 2), 4, frozenset(Kind), orders=0.5, life=0.3, shared=0.35, outside=0.5)
SMALL = Size((1, 1), (1, 3), (0, 1), 2, QUICK, orders=0.3)


@dataclass(frozen=True)
class Machine:
    """All of a machine that may be changed, so that the last request alone says what is to be there."""

    machine_type: str
    disk_size_gb: int
    spot: bool
    zone: str | None = None
    """None: the default one, or whichever has capacity."""

    @property
    def fields(self) -> dict[str, Any]:
        """As the API takes them."""
        fields = {"machine_type": self.machine_type, "disk_size_gb": self.disk_size_gb, "spot": self.spot}
        return fields | ({"zone": self.zone} if self.zone else {})


@dataclass(frozen=True)
class Request:
    """One request to the portal."""

    act: Act
    machine: Machine | None = None
    """As requested so far; a destroy or an order changes nothing of it. None: the shared stack is meant."""
    parts: frozenset[str] = frozenset()
    """Of the shared stack: which are to be there."""
    keep_disk: bool = False
    stock_outs: int = 0
    """Of a create: how often Google has no capacity for it. Where no zone has any, it waits."""
    pause: float | None = None
    """Seconds since the request before; None: when that one's run has ended."""
    troubles: tuple[Trouble, ...] = ()
    """Of its run, one after the other."""
    cancels: tuple[tuple[float, str], ...] = ()
    """How its run is cancelled, ever harder: (seconds to wait first, mode)."""

    def has(self, point: Point) -> bool:
        """Whether there is trouble."""
        return any(each.point is point for each in self.troubles)

    def __str__(self) -> str:
        when = "then" if self.pause is None else f"after {self.pause:.1f} s"
        more = {
            Act.DESTROY: f", keep_disk={self.keep_disk}" if self.machine else "",
            Act.CONFIGURE: f" {', '.join(sorted(self.parts)) or 'without parts'}",
        }.get(self.act, "" if self.act.is_order or self.act.leaves_machine else f" {self.machine}")
        more += f", {self.stock_outs} stock-outs" if self.stock_outs else ""
        cancels = [f"cancel ({mode}) after {delay:.1f} s" for delay, mode in self.cancels]
        return "; ".join([f"{when} {self.act}{more}", *map(str, self.troubles), *cancels])


@dataclass(frozen=True)
class Script:
    """What happens to one stack."""

    name: str
    requests: tuple[Request, ...]


def seed_of(seed: int, number: int) -> int:
    """The seed of one round of many; of the first it is the seed itself, so that any round can be replayed alone."""
    return seed if number == 1 else int(hashlib.sha256(f"{seed}:{number}".encode()).hexdigest()[:8], 16)


def write(seed: int, size: Size, *, cancels: bool) -> list[Script]:
    """The scripts of a round."""
    dice = random.Random(seed)
    scripts = [_of_workstation(dice, size) for _ in range(dice.randint(*size.scripts))]
    life = random.Random(f"{seed} life")
    for requests in scripts:
        _add_life(requests, life, size.life)
    names = [f"c{seed:x}-{number}" for number, _ in enumerate(scripts, start=1)]
    if dice.random() < size.shared:
        scripts.append(_of_shared_stack(dice))
        names.append(SHARED)
    takeovers = 0
    for _ in range(dice.randint(*size.troubles)):
        kinds = size.kinds
        if takeovers >= size.most_takeovers:
            kinds = frozenset(kind for kind in kinds if not kind.takes_worker)
        takeovers += _add_trouble(scripts, dice, kinds).kind.takes_worker
    if cancels:
        _add_cancels(scripts, random.Random(f"{seed} cancels"))
    return [Script(name, tuple(each)) for name, each in zip(names, scripts, strict=True)]


def _of_workstation(dice: random.Random, size: Size) -> list[Request]:
    """A create, some changes and orders, often a destroy, and sometimes more after that."""
    machine = Machine(dice.choice(MACHINE_TYPES), dice.randrange(20, 60, 10), spot=dice.random() < 0.2)
    requests = [Request(Act.CREATE, machine)]
    for _ in range(dice.randint(*size.changes)):
        machine = Machine(
            dice.choice(MACHINE_TYPES),
            machine.disk_size_gb + dice.choice((0, 10)),
            machine.spot ^ (dice.random() < 0.15),
        )
        requests.append(Request(Act.CHANGE, machine, pause=_pause(dice)))
    if dice.random() < size.orders:
        requests += _orders(dice, machine)
    if dice.random() < 0.6:
        keep = dice.random() < 0.4
        requests.append(Request(Act.DESTROY, machine, keep_disk=keep, pause=_pause(dice)))
        if keep and dice.random() < 0.4:
            requests.append(Request(Act.DESTROY, machine, pause=_pause(dice)))
        if dice.random() < 0.3:
            requests.append(Request(dice.choice((Act.CREATE, Act.CHANGE)), machine, pause=_pause(dice)))
    return requests


def _orders(dice: random.Random, machine: Machine) -> list[Request]:
    """The first once the machine is there: a machine that is being made takes none."""
    acts = dice.choice(((Act.STOP,), (Act.RESTART,), (Act.STOP, Act.START), (Act.STOP, Act.START, Act.RESTART)))
    return [Request(act, machine, pause=_pause(dice) if number else None) for number, act in enumerate(acts)]


def _add_life(requests: list[Request], dice: random.Random, likely: float) -> None:
    """No capacity for the create, a snapshot, an opened one, a move to another zone, a reverted disk, each as likely as
    said."""
    if dice.random() < likely:
        requests[0] = replace(requests[0], stock_outs=dice.choice((1, 1, 2, 3, 4)))
        # A change made while Google has no capacity would meet that instead of the create.
        requests[1:2] = [replace(each, pause=None) for each in requests[1:2]]
    if dice.random() < likely:
        index = _somewhere(requests, dice)
        requests.insert(index, Request(Act.SNAPSHOT, requests[index - 1].machine))
    if dice.random() < likely:
        _insert(requests, _somewhere(requests, dice), Act.SNAPSHOT, Act.OPEN, Act.CLOSE)
    if dice.random() < likely:
        index, zone = _somewhere(requests, dice), dice.choice(ZONES)
        pause = None if index == 1 and requests[0].stock_outs else _pause(dice)
        requests.insert(index, Request(Act.CHANGE, requests[index - 1].machine, pause=pause))
        requests[index:] = [
            replace(each, machine=each.machine and replace(each.machine, zone=zone)) for each in requests[index:]
        ]
    # A revert takes a snapshot itself, and Google takes six of a disk in an hour.
    if dice.random() < likely and not any(request.act is Act.SNAPSHOT for request in requests):
        _insert(requests, _somewhere(requests, dice), Act.SNAPSHOT, Act.REVERT)


def _insert(requests: list[Request], index: int, *acts: Act) -> None:
    """One after the other: a change would supersede them."""
    requests[index : index + 1] = [replace(each, pause=None) for each in requests[index : index + 1]]
    requests[index:index] = [Request(act, requests[index - 1].machine) for act in acts]


def _somewhere(requests: list[Request], dice: random.Random) -> int:
    """An index after the create and before a destroy."""
    acts = [request.act for request in requests]
    return dice.randint(1, acts.index(Act.DESTROY) if Act.DESTROY in acts else len(acts))


def _of_shared_stack(dice: random.Random) -> list[Request]:
    """Configured a few times, each time with other parts, and often destroyed."""
    requests = []
    for _ in range(dice.randint(1, 2)):
        parts = [part for part in PARTS if dice.random() < 0.5]
        requests.append(Request(Act.CONFIGURE, parts=frozenset(parts), pause=_pause(dice)))
    if dice.random() < 0.5:
        requests.append(Request(Act.DESTROY, pause=_pause(dice)))
    return requests


PARTS = ("storage", "docker_registry", "pypi_registry", "service_accounts")
"""Of the shared stack: those that are made within seconds."""


def _pause(dice: random.Random) -> float | None:
    return None if dice.random() < 0.4 else round(dice.uniform(0, 6), 1)


def _add_trouble(scripts: list[list[Request]], dice: random.Random, kinds: frozenset[Kind]) -> Trouble:
    """At any point that something in these scripts goes through, all points being equally likely."""
    places = {
        point: [
            (requests, index)
            for requests in scripts
            for index, request in enumerate(requests)
            if request.act in ACTS[point] and not (point is Point.BEFORE_CLAIM and request.has(point))
        ]
        for point in Point
    }
    point = dice.choice([point for point, those in places.items() if those])
    requests, index = dice.choice(places[point])
    request, drawn = requests[index], trouble.draw(dice, point, kinds)
    if point is Point.BEFORE_CLAIM:
        # While another run of the stack goes on, no worker would try to claim this one.
        requests[index] = replace(request, pause=None, troubles=(drawn, *request.troubles))
    else:
        requests[index] = replace(request, troubles=(*request.troubles, drawn))
    return drawn


def _add_cancels(scripts: list[list[Request]], dice: random.Random) -> None:
    """Not of destroys: what they have done cannot be undone, and so nothing says what must be there."""
    for requests in scripts:
        for index, request in enumerate(requests):
            is_stoppable = request.act in {Act.CREATE, Act.CHANGE, Act.OPEN} and not request.stock_outs
            if is_stoppable and dice.random() < 0.3:
                modes = ("undo", "now", "force")[: dice.choice((1, 1, 2, 3))]
                cancels = [(round(dice.uniform(0, 5), 1), modes[0])]
                cancels += [(round(dice.uniform(0.2, 2), 1), mode) for mode in modes[1:]]
                requests[index] = replace(request, cancels=tuple(cancels))
