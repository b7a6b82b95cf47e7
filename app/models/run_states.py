"""How a run stands, how it is stopped, and which state may follow which."""

from enum import StrEnum


class CancelMode(StrEnum):
    """How hard a run that has begun is stopped. Each is asked for by itself, and only after the one before."""

    UNDO = "undo"
    """Terraform's command goes on to its end, then what it did is undone."""
    NOW = "now"
    """Terraform gets its one interrupt; what it leaves behind is adopted, then undone."""
    FORCE = "force"
    """Terraform is killed; the same follows."""


class RunStatus(StrEnum):
    """The states of a run; `Run` has the transitions."""

    QUEUED = "queued"
    PLANNING = "planning"
    AWAITING_APPROVAL = "awaiting_approval"
    APPLYING = "applying"
    APPLIED = "applied"
    NO_CHANGES = "no_changes"
    PLANNED = "planned"
    """A check found differences; nothing was to be changed."""
    ERRORED = "errored"
    DISCARDED = "discarded"
    SUPERSEDED = "superseded"
    CANCELED = "canceled"
    INTERRUPTED = "interrupted"


S = RunStatus
NEXT: dict[RunStatus, frozenset[RunStatus]] = {
    S.QUEUED: frozenset({S.PLANNING, S.CANCELED, S.SUPERSEDED}),
    S.PLANNING: frozenset(
        {S.AWAITING_APPROVAL, S.APPLYING, S.APPLIED, S.NO_CHANGES, S.PLANNED, S.ERRORED, S.CANCELED, S.INTERRUPTED}
    ),
    S.AWAITING_APPROVAL: frozenset({S.PLANNING, S.DISCARDED, S.SUPERSEDED, S.CANCELED}),
    S.APPLYING: frozenset({S.PLANNING, S.APPLIED, S.ERRORED, S.CANCELED, S.INTERRUPTED}),
    S.INTERRUPTED: frozenset({S.PLANNING, S.ERRORED, S.CANCELED}),
}
"""Which states may follow a state; a state without an entry is final."""

EXECUTING = frozenset({S.PLANNING, S.AWAITING_APPROVAL, S.APPLYING, S.INTERRUPTED})
"""States that hold the stack: at most one run of a stack is in one of them."""
FINAL = frozenset(set(RunStatus) - set(NEXT))
SUCCESS = frozenset({S.APPLIED, S.NO_CHANGES, S.PLANNED})


class TransitionError(Exception):
    """A run cannot go from the state it is in to the one asked for."""

    def __init__(self, run_id: str, before: RunStatus, after: RunStatus) -> None:
        super().__init__(f"run {run_id} is {before} and cannot become {after}")


class LostClaimError(Exception):
    """Another attempt has taken this run over: what this one knows no longer counts."""
