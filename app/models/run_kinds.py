"""The kinds of runs: one row a kind. What a kind does, step by step, is in app/worker/kinds."""

from dataclasses import dataclass
from enum import StrEnum

from app.models.run_states import CancelMode
from app.models.workstation_states import WorkstationStatus as W


class RunKind(StrEnum):
    """What a run does to its stack."""

    PROVISION = "provision"
    UPDATE = "update"
    DESTROY = "destroy"
    REKEY = "rekey"
    """Put its owner's SSH keys on the machine as they are now: its metadata changes in place, and nothing else."""
    RESTART = "restart"
    """Press the machine's reset button, and wait until it answers again: the Compute API does that, not Terraform."""
    START = "start"
    """Switch a stopped machine on, and wait until it answers."""
    STOP = "stop"
    """Switch it off: it costs its disks and its address only."""
    CONFIGURE = "configure"
    """Bring the shared stack to its desired settings: planned, decided by somebody, never undone by itself."""
    CHECK = "check"
    """Plan the stack as it should be, and change nothing: what differs was changed by somebody else."""
    MANUAL = "manual"
    """Somebody has checked the stack out and works on it by hand; no worker ever claims this."""

    @property
    def traits(self) -> "KindTraits":
        """Its row of the table below."""
        return TRAITS[self]


@dataclass(frozen=True)
class KindTraits:
    """What the rest of the portal has to know of a kind."""

    doing: str
    """In a title, before what it works on: "Creating dev-1"."""
    label: str
    """In lists: "Update SSH keys"."""
    prior_seconds: float
    """How long it takes where there is no earlier run to learn from: what Google usually needs, rounded up."""
    stages: tuple[str, ...]
    """The stages people see, in order (services/runs/progress.py)."""
    preposition: str = ""
    """In a title, between the label and what it works on: "Update SSH keys on dev-1"."""
    shared_stages: tuple[str, ...] = ()
    """The stages of a run of the shared stack, if they differ."""
    uses_terraform: bool = True
    """Without it, it has no inputs, and once begun it cannot be called back."""
    can_be_undone: bool = False
    """When cancelled, what it did is undone: of the others, no more than what is still to come can be kept from it."""
    takes_keys: bool = False
    """It brings the owner's SSH keys to the machine, as they are when a worker claims it."""
    changes_stack: bool = True
    """What it was given is what the stack is afterwards."""
    gives_way: bool = False
    """It was not asked for in the place of anything: it supersedes nothing but its own kind."""
    decides_itself: bool = False
    """A person or the portal works on it without a worker: nothing to cancel, retry or follow."""
    orders_from: frozenset[W] = frozenset()
    """It is one order to Google about a machine; the statuses of a workstation in which it can be asked for."""
    status_meanwhile: W | None = None
    """Of a workstation, from the claim on. None: it stays what it is."""

    def cancel_choices(self, *, has_changed_anything: bool) -> tuple[CancelMode, ...]:
        """How a run that nobody stops yet may be stopped, gentlest first."""
        if not has_changed_anything:
            return (CancelMode.UNDO,)
        if not self.uses_terraform:
            return ()
        return (CancelMode.UNDO, CancelMode.NOW) if self.can_be_undone else (CancelMode.NOW,)


_MAKING = ("preparing", "disk", "address", "machine")
_BOOTING = ("booting", "mounting", "ready")

TRAITS = {
    RunKind.PROVISION: KindTraits(
        doing="Creating",
        label="Create",
        prior_seconds=75.0,
        stages=("queued", *_MAKING, *_BOOTING),
        can_be_undone=True,
        takes_keys=True,
        status_meanwhile=W.PROVISIONING,
    ),
    RunKind.UPDATE: KindTraits(
        doing="Updating",
        label="Update",
        prior_seconds=60.0,
        stages=("queued", *_MAKING, *_BOOTING),
        can_be_undone=True,
        takes_keys=True,
        status_meanwhile=W.UPDATING,
    ),
    RunKind.DESTROY: KindTraits(
        doing="Deleting",
        label="Delete",
        prior_seconds=60.0,
        stages=("queued", "preparing", "machine", "address", "disk", "deleted"),
        shared_stages=("queued", "planning", "approved", "applying", "deleted"),
        status_meanwhile=W.DESTROYING,
    ),
    RunKind.REKEY: KindTraits(
        doing="Updating SSH keys on",
        label="Update SSH keys",
        preposition=" on",
        prior_seconds=20.0,
        stages=("queued", "preparing", "machine", "ready"),
        can_be_undone=True,
        takes_keys=True,
        gives_way=True,
    ),
    RunKind.RESTART: KindTraits(
        doing="Restarting",
        label="Restart",
        prior_seconds=45.0,
        stages=("queued", "resetting", *_BOOTING),
        orders_from=frozenset({W.RUNNING}),
        uses_terraform=False,
    ),
    RunKind.START: KindTraits(
        doing="Starting",
        label="Start",
        prior_seconds=45.0,
        stages=("queued", "starting", *_BOOTING),
        orders_from=frozenset({W.STOPPED, W.PREEMPTED}),
        uses_terraform=False,
        status_meanwhile=W.STARTING,
    ),
    RunKind.STOP: KindTraits(
        doing="Stopping",
        label="Stop",
        prior_seconds=60.0,
        stages=("queued", "stopping", "stopped"),
        orders_from=frozenset({W.RUNNING}),
        uses_terraform=False,
        status_meanwhile=W.STOPPING,
    ),
    RunKind.CONFIGURE: KindTraits(
        doing="Configuring",
        label="Configure",
        prior_seconds=300.0,
        stages=("queued", "planning", "approved", "applying", "ready"),
    ),
    RunKind.CHECK: KindTraits(
        doing="Checking for drift in",
        label="Check for drift",
        preposition=" in",
        prior_seconds=30.0,
        stages=("queued", "planning", "compared"),
        changes_stack=False,
    ),
    RunKind.MANUAL: KindTraits(
        doing="Manual changes to",
        label="Manual changes",
        preposition=" to",
        prior_seconds=3600.0,
        stages=(),
        decides_itself=True,
    ),
}


def kinds_that(trait: str) -> frozenset[RunKind]:
    """The kinds that have this trait, for queries."""
    return frozenset(kind for kind, traits in TRAITS.items() if getattr(traits, trait))


ORDERS = tuple(kind for kind, traits in TRAITS.items() if traits.orders_from)
"""The kinds that are asked for by a button and nothing else."""
