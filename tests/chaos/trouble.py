"""The kinds of trouble that a round mixes in, and when each can begin."""

import random
from dataclasses import dataclass
from enum import StrEnum


class Point(StrEnum):
    """When trouble begins, as seen from one run."""

    BEFORE_CLAIM = "before claim"
    """Before the claim commits."""
    AFTER_START = "apply_start"
    BETWEEN = "between two"
    """Of the run's resources."""
    BEFORE_LAST_STATE = "last state"
    """Before the last state is stored."""
    AFTER_DESTROY_OF_ONE = "one destroyed"
    RANDOM = "random"


class Kind(StrEnum):
    """What happens. What is killed is killed with SIGKILL."""

    WORKER = "worker killed"
    SHIM = "shim killed"
    TERRAFORM = "terraform killed"
    PROVIDER = "provider killed"
    HOST = "host killed"
    """Everything on the host dies; its files stay, as after a power cut."""
    HOST_AND_FILES = "host lost with its files"
    ZOMBIE = "worker frozen"
    """Until another host has taken its runs over; then it goes on as if nothing had been."""
    ZOMBIE_BESIDE = "worker frozen, one beside"
    """The same, with a second worker on its host that takes its runs over, folders and living Terraform included."""
    RELEASE = "worker of other release"
    """It leaves in good order, and comes back with another release's code."""
    DISK_FULL = "disk full"
    """The worker's data folder has no space left for a while."""
    WEB = "web killed"
    DATABASE = "database killed"
    DATABASE_HANGS = "database hangs"
    FAILOVER = "database fails over"
    """All connections are cut, and for a while there is no new one."""
    GOOGLE_REFUSES = "Google refuses"
    """All connections to Google are cut, and for a while there is no new one."""
    GOOGLE_HANGS = "Google hangs"
    """Not a byte goes to Google or comes from there for a while."""

    @property
    def takes_worker(self) -> bool:
        """Whether the run is left without its worker."""
        return self in {Kind.WORKER, Kind.HOST, Kind.HOST_AND_FILES, Kind.ZOMBIE, Kind.ZOMBIE_BESIDE, Kind.RELEASE}

    @property
    def is_of_host(self) -> bool:
        """Whether it happens to a host, rather than to a run's processes or to what everybody shares."""
        return self.takes_worker or self is Kind.DISK_FULL

    @property
    def is_of_run(self) -> bool:
        """Whether it happens to a run's own processes."""
        return self in {Kind.SHIM, Kind.TERRAFORM, Kind.PROVIDER}


@dataclass(frozen=True)
class Likelihood:
    """How likely a kind is, and how long it may last: from the least to the most seconds, or one of these."""

    weight: int
    seconds: tuple[float, ...]
    is_choice: bool = False

    def draw(self, dice: random.Random) -> float:
        """For how long."""
        return dice.choice(self.seconds) if self.is_choice else round(dice.uniform(*self.seconds), 1)


AWAY = Likelihood(3, (0.0, 0.0, 20.0), is_choice=True)
"""Back at once; or later than its lease, so that the other host takes over."""
AT_ONCE = (0.0, 0.0)
KINDS = {
    Kind.WORKER: Likelihood(4, AWAY.seconds, is_choice=True),
    Kind.SHIM: Likelihood(2, AT_ONCE),
    Kind.TERRAFORM: Likelihood(3, AT_ONCE),
    Kind.PROVIDER: Likelihood(3, AT_ONCE),
    Kind.HOST: AWAY,
    Kind.HOST_AND_FILES: AWAY,
    # Another host waits for a lease of 10 s and for 20 s more, a worker beside it for the lease alone.
    Kind.ZOMBIE: Likelihood(3, (34.0, 45.0)),
    Kind.ZOMBIE_BESIDE: Likelihood(3, (14.0, 20.0)),
    Kind.RELEASE: Likelihood(3, AT_ONCE),
    Kind.DISK_FULL: Likelihood(3, (3.0, 12.0)),
    Kind.WEB: Likelihood(3, (0.0, 5.0)),
    Kind.DATABASE: Likelihood(3, (0.0, 2.0)),
    Kind.DATABASE_HANGS: Likelihood(3, (2.0, 15.0)),
    Kind.FAILOVER: Likelihood(3, (1.0, 12.0)),
    Kind.GOOGLE_REFUSES: Likelihood(3, (1.0, 12.0)),
    Kind.GOOGLE_HANGS: Likelihood(3, (1.0, 15.0)),
}
QUICK = frozenset(Kind) - {Kind.ZOMBIE, Kind.RELEASE, Kind.DISK_FULL}
"""Those for rounds that are to be short, and need neither another release nor a disk of their own."""
HELD = {Point.BEFORE_CLAIM, Point.BEFORE_LAST_STATE}
"""At these a run's row is held by a connection of ours, and nothing of Terraform runs."""
NOT_WHILE_HELD = {*(kind for kind in Kind if kind.is_of_run), Kind.DATABASE, Kind.DATABASE_HANGS, Kind.FAILOVER}


@dataclass(frozen=True)
class Trouble:
    """One kind of trouble at one point of a run."""

    point: Point
    kind: Kind
    delay: float
    """Seconds into the run; counts for a random moment only."""
    lasts: float
    """Seconds until what was killed may be back, or until it passes."""

    def __str__(self) -> str:
        delay = f" ({self.delay:.1f} s)" if self.point is Point.RANDOM else ""
        lasts = f", for {self.lasts:.0f} s" if self.lasts else ""
        return f"{self.kind} at {self.point}{delay}{lasts}"


def draw(dice: random.Random, point: Point, kinds: frozenset[Kind]) -> Trouble:
    """Of one of these kinds, at this point."""
    possible = [kind for kind in Kind if kind in kinds and not (point in HELD and kind in NOT_WHILE_HELD)]
    kind = dice.choices(possible, [KINDS[each].weight for each in possible])[0]
    return Trouble(point, kind, delay=round(dice.uniform(0, 5), 1), lasts=KINDS[kind].draw(dice))
