"""How a run can be stopped: what each button does, and what happens after it was pressed."""

from dataclasses import dataclass

from app.models import CancelMode, Run

_NO_CHANGES = "No changes were made."
_LABELS = {
    CancelMode.UNDO: "Stop after this step and roll back",
    CancelMode.NOW: "Stop now and roll back",
    CancelMode.FORCE: "Kill Terraform",
}
_MEANINGS = {
    CancelMode.UNDO: "Terraform finishes the current step. Then all changes of this run are rolled back.",
    CancelMode.NOW: "Terraform is interrupted. The portal waits for operations that are in progress at Google, then "
    "rolls back all changes. This can take several minutes.",
    CancelMode.FORCE: "Use this only if Terraform does not stop. The next page explains the risks.",
}
_IN_PROGRESS = {
    CancelMode.UNDO: "Terraform is finishing the current step. Then all changes of this run are rolled back.",
    CancelMode.NOW: "Terraform was interrupted. The portal waits for operations that are in progress at Google, then "
    "rolls back all changes.",
    CancelMode.FORCE: "Terraform was killed. The portal looks for unrecorded resources at Google, then rolls back all "
    "changes.",
}
_KEPT = "Changes made so far are kept."
_ROLLED_BACK = "All changes of this run are rolled back."


@dataclass(frozen=True)
class StopChoice:
    """A way to stop a run that is available now."""

    mode: CancelMode
    label: str
    meaning: str

    @property
    def has_page(self) -> bool:
        """Whether a page of its own explains the risks before it is done."""
        return self.mode is CancelMode.FORCE


def choices(run: Run) -> list[StopChoice]:
    """The available ways to stop a run, least disruptive first. A run without changes can only be canceled."""
    if run.cancel is None and not run.has_changed_anything:
        return [StopChoice(mode, "Cancel", _NO_CHANGES) for mode in run.cancel_choices]
    return [_choice(run, mode) for mode in run.cancel_choices]


def _choice(run: Run, mode: CancelMode) -> StopChoice:
    if run.is_waiting:
        return StopChoice(mode, "Cancel and roll back", _ROLLED_BACK)
    if not run.kind.traits.can_be_undone and mode is CancelMode.NOW:
        return StopChoice(mode, "Stop now", f"Terraform is interrupted. {_KEPT}")
    return StopChoice(mode, _LABELS[mode], _MEANINGS[mode])


def in_progress(run: Run) -> str:
    """What happens while a run is being stopped; empty if it is not."""
    if run.cancel is None or not run.is_canceling:
        return ""
    if not run.has_changed_anything:
        return _NO_CHANGES
    if not run.kind.traits.can_be_undone:
        return f"Terraform is being stopped. {_KEPT}"
    return _ROLLED_BACK if run.is_waiting else _IN_PROGRESS[run.cancel]


def can_kill(run: Run) -> bool:
    """Whether Terraform may be killed now: only after it was asked to stop now."""
    return CancelMode.FORCE in run.cancel_choices
