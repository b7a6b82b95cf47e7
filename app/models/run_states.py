"""The states of a run, the transitions between them, and the ways to stop a run."""

from enum import StrEnum


class CancelMode(StrEnum):
    """How a run in progress is stopped. Each way can be chosen after the one before."""

    UNDO = "undo"
    """Let Terraform's command finish, then roll its changes back."""
    NOW = "now"
    """Interrupt Terraform once. What it leaves behind is adopted, then rolled back."""
    FORCE = "force"
    """Kill Terraform. What it leaves behind is adopted, then rolled back."""


class RunStatus(StrEnum):
    """The states of a run. `Run` has the transitions."""

    QUEUED = "queued"
    PLANNING = "planning"
    AWAITING_APPROVAL = "awaiting_approval"
    APPLYING = "applying"
    WAITING_FOR_CAPACITY = "waiting_for_capacity"
    """Google has no capacity for the machine. A worker tries again later."""
    APPLIED = "applied"
    NO_CHANGES = "no_changes"
    PLANNED = "planned"
    """A check found differences."""
    ERRORED = "errored"
    DISCARDED = "discarded"
    SUPERSEDED = "superseded"
    CANCELED = "canceled"
    INTERRUPTED = "interrupted"


S = RunStatus
NEXT: dict[RunStatus, frozenset[RunStatus]] = {
    S.QUEUED: frozenset({S.PLANNING, S.CANCELED, S.SUPERSEDED}),
    S.PLANNING: frozenset(
        {
            *(S.AWAITING_APPROVAL, S.APPLYING, S.WAITING_FOR_CAPACITY, S.APPLIED, S.NO_CHANGES, S.PLANNED),
            *(S.ERRORED, S.CANCELED, S.INTERRUPTED),
        }
    ),
    S.AWAITING_APPROVAL: frozenset({S.PLANNING, S.DISCARDED, S.SUPERSEDED, S.CANCELED}),
    S.APPLYING: frozenset({S.PLANNING, S.WAITING_FOR_CAPACITY, S.APPLIED, S.ERRORED, S.CANCELED, S.INTERRUPTED}),
    S.WAITING_FOR_CAPACITY: frozenset({S.PLANNING, S.ERRORED, S.SUPERSEDED, S.CANCELED}),
    S.INTERRUPTED: frozenset({S.PLANNING, S.ERRORED, S.CANCELED}),
}
"""The states that may follow each state. A state without an entry is final."""

EXECUTING = frozenset({S.PLANNING, S.AWAITING_APPROVAL, S.APPLYING, S.WAITING_FOR_CAPACITY, S.INTERRUPTED})
"""The states in which a run holds its stack. At most one run of a stack is in one of them."""
FINAL = frozenset(set(RunStatus) - set(NEXT))
SUCCESS = frozenset({S.APPLIED, S.NO_CHANGES, S.PLANNED})


class TransitionError(Exception):
    """A run cannot go from its state to the requested one."""

    def __init__(self, run_id: str, before: RunStatus, after: RunStatus) -> None:
        super().__init__(f"run {run_id} is {before} and cannot become {after}")


class LostClaimError(Exception):
    """Another attempt has taken the run over, so this one must not write any more."""
