"""The kinds of runs and their traits. How each is executed is in app/worker/kinds."""

from dataclasses import dataclass
from enum import StrEnum

from app.models.run_states import CancelMode
from app.models.workstation_states import WorkstationStatus as W


class RunKind(StrEnum):
    """What a run does with its stack."""

    PROVISION = "provision"
    UPDATE = "update"
    DESTROY = "destroy"
    REKEY = "rekey"
    """Put the owner's current SSH keys on the machine. Only its metadata changes, in place."""
    RESTART = "restart"
    """Reset the machine through the Compute API, and wait until it is ready."""
    START = "start"
    """Start a stopped machine, and wait until it is ready."""
    STOP = "stop"
    """Stop the machine. Only its disks and IP address are billed then."""
    SUSPEND = "suspend"
    """Suspend the machine: its memory is kept as well."""
    RESUME = "resume"
    """Let a suspended machine go on where it was."""
    SNAPSHOT = "snapshot"
    """Take a snapshot of the data disk, while the machine runs or not."""
    OPEN = "open"
    """Mount a snapshot read-only on the running machine."""
    CLOSE = "close"
    """Unmount it, and delete its disk."""
    REVERT = "revert"
    """Replace the data disk by one made from a snapshot of it. Requires approval."""
    CONFIGURE = "configure"
    """Apply the desired settings of the shared stack. Requires approval, and is not rolled back."""
    CHECK = "check"
    """Compare the stack with Google by a plan that is not applied."""
    MANUAL = "manual"
    """A checkout: an admin works on the stack with Terraform. No worker claims this."""

    @property
    def traits(self) -> "KindTraits":
        """The traits of this kind."""
        return TRAITS[self]


@dataclass(frozen=True)
class KindTraits:
    """What the rest of the portal needs to know about a kind."""

    doing: str
    """The verb in titles, before the subject: "Creating dev-1"."""
    label: str
    """The name in lists: "Update SSH keys"."""
    prior_seconds: float
    """How long it takes if there is no earlier run to learn from: what Google usually needs, rounded up."""
    stages: tuple[str, ...]
    """The stages that people see, in order (services/runs/progress.py)."""
    preposition: str = ""
    """The words in titles between label and subject: "Update SSH keys on dev-1"."""
    shared_stages: tuple[str, ...] = ()
    """The stages of a run of the shared stack, if they differ."""
    uses_terraform: bool = True
    """Whether Terraform executes it. If not, it has no inputs, and cannot be stopped once it has begun."""
    can_be_undone: bool = False
    """Whether it is rolled back when canceled. If not, canceling only prevents the remaining steps."""
    takes_keys: bool = False
    """Whether it puts the owner's current SSH keys on the machine. It gets them when a worker claims it."""
    only_sets: frozenset[str] | None = None
    """The variables of the root that it sets, if all others stay as they were applied last; None if it sets all."""
    changes_stack: bool = True
    """Whether the stack has the run's inputs afterwards."""
    gives_way: bool = False
    """Whether it supersedes only runs of its own kind, because it was not requested instead of anything else."""
    decides_itself: bool = False
    """Whether it proceeds without a worker, so that it cannot be canceled, retried or followed."""
    orders_from: frozenset[W] = frozenset()
    """The workstation's statuses in which the order can be requested. Empty if it is no order."""
    gives_machine: bool = False
    """Whether it creates or starts a machine: not for a disabled owner, unless an admin requested it."""
    waits_for_capacity: bool = False
    """Whether it may wait while Google has no capacity for the machine."""
    without_gpu: bool = False
    """Google does it only with machines that have no GPU."""
    status_meanwhile: W | None = None
    """The workstation's status while it executes; None if that does not change."""

    def cancel_choices(self, *, has_changed_anything: bool) -> tuple[CancelMode, ...]:
        """The ways to stop a run that is not being stopped yet, least disruptive first."""
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
        gives_machine=True,
        waits_for_capacity=True,
        status_meanwhile=W.PROVISIONING,
    ),
    RunKind.UPDATE: KindTraits(
        doing="Updating",
        label="Update",
        prior_seconds=60.0,
        stages=("queued", *_MAKING, *_BOOTING),
        can_be_undone=True,
        takes_keys=True,
        gives_machine=True,
        waits_for_capacity=True,
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
        only_sets=frozenset(),
        gives_way=True,
    ),
    RunKind.RESTART: KindTraits(
        doing="Restarting",
        label="Restart",
        prior_seconds=45.0,
        stages=("queued", "resetting", *_BOOTING),
        orders_from=frozenset({W.RUNNING}),
        uses_terraform=False,
        gives_machine=True,
    ),
    RunKind.START: KindTraits(
        doing="Starting",
        label="Start",
        prior_seconds=45.0,
        stages=("queued", "starting", *_BOOTING),
        orders_from=frozenset({W.STOPPED, W.PREEMPTED}),
        uses_terraform=False,
        gives_machine=True,
        waits_for_capacity=True,
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
    RunKind.SUSPEND: KindTraits(
        doing="Suspending",
        label="Suspend",
        prior_seconds=120.0,
        stages=("queued", "suspending", "suspended"),
        orders_from=frozenset({W.RUNNING}),
        uses_terraform=False,
        without_gpu=True,
        status_meanwhile=W.SUSPENDING,
    ),
    RunKind.RESUME: KindTraits(
        doing="Resuming",
        label="Resume",
        prior_seconds=45.0,
        stages=("queued", "resuming", "ready"),
        orders_from=frozenset({W.SUSPENDED}),
        uses_terraform=False,
        gives_machine=True,
        waits_for_capacity=True,
        status_meanwhile=W.STARTING,
    ),
    RunKind.SNAPSHOT: KindTraits(
        doing="Taking a snapshot of",
        label="Snapshot",
        preposition=" of",
        prior_seconds=60.0,
        stages=("queued", "copying", "saved"),
        uses_terraform=False,
        gives_way=True,
    ),
    RunKind.OPEN: KindTraits(
        doing="Opening a snapshot of",
        label="Open snapshot",
        preposition=" of",
        prior_seconds=60.0,
        stages=("queued", "preparing", "disk", "machine", "mounted"),
        can_be_undone=True,
        takes_keys=True,
        only_sets=frozenset({"opened_snapshot"}),
        gives_way=True,
    ),
    RunKind.CLOSE: KindTraits(
        doing="Closing a snapshot of",
        label="Close snapshot",
        preposition=" of",
        prior_seconds=45.0,
        stages=("queued", "preparing", "machine", "disk", "closed"),
        takes_keys=True,
        only_sets=frozenset({"opened_snapshot"}),
        gives_way=True,
    ),
    RunKind.REVERT: KindTraits(
        doing="Reverting",
        label="Revert to snapshot",
        preposition=" of",
        prior_seconds=150.0,
        stages=("queued", "preparing", "approved", "disk", "machine", *_BOOTING),
        can_be_undone=True,
        takes_keys=True,
        only_sets=frozenset({"disk_snapshot"}),
        gives_machine=True,
        status_meanwhile=W.UPDATING,
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
    """The kinds with this trait, for queries."""
    return frozenset(kind for kind, traits in TRAITS.items() if getattr(traits, trait))


ORDERS = tuple(kind for kind, traits in TRAITS.items() if traits.orders_from)
"""The kinds that are one order to Google, requested by a button."""
