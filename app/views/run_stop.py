"""How a run can be stopped, in words: what each button does, and what is happening once one was pressed."""

from dataclasses import dataclass

from app.models import CancelMode, Run, RunKind

_LABELS = {
    CancelMode.UNDO: "Stop after this step, then undo",
    CancelMode.NOW: "Stop now",
    CancelMode.FORCE: "Kill Terraform …",
}
_MEANINGS = {
    CancelMode.UNDO: "Terraform finishes what it is doing. Then everything that this run did is undone.",
    CancelMode.NOW: "Terraform is interrupted. What Google goes on making is waited for and taken over, then "
    "everything is undone. This takes longer than it sounds.",
    CancelMode.FORCE: "Terraform does not stop by itself? A page of its own says what killing it risks.",
}
_DESTROY_NOW = "Terraform is interrupted. What is gone stays gone; the rest is left as it is."
_HAPPENING = {
    CancelMode.UNDO: "Terraform finishes what it is doing; then everything that this run did is undone.",
    CancelMode.NOW: "Terraform is interrupted. What Google goes on making is waited for and taken over; then "
    "everything is undone.",
    CancelMode.FORCE: "Terraform is killed. What it made and could not write down is looked for at Google; then "
    "everything is undone.",
}
_BEFORE_IT_BEGAN = "Nothing has been changed yet, and nothing will be."


@dataclass(frozen=True)
class StopChoice:
    """One way to stop a run that may be asked for now."""

    mode: CancelMode
    label: str
    meaning: str

    @property
    def has_page(self) -> bool:
        """Whether it is asked for on a page of its own, which says what it risks."""
        return self.mode is CancelMode.FORCE


def choices(run: Run) -> list[StopChoice]:
    """The ways to stop it, gentlest first; what has changed nothing yet is simply cancelled."""
    if run.cancel is None and not run.has_changed_anything:
        return [StopChoice(mode, "Cancel", _BEFORE_IT_BEGAN) for mode in run.cancel_choices]
    return [StopChoice(mode, _LABELS[mode], _meaning(run, mode)) for mode in run.cancel_choices]


def _meaning(run: Run, mode: CancelMode) -> str:
    return _DESTROY_NOW if run.kind is RunKind.DESTROY and mode is CancelMode.NOW else _MEANINGS[mode]


def happening(run: Run) -> str:
    """What goes on while it is being stopped; empty when it is not."""
    if run.cancel is None or not run.is_canceling:
        return ""
    if not run.has_changed_anything:
        return _BEFORE_IT_BEGAN
    if run.kind is RunKind.DESTROY and run.cancel is not CancelMode.FORCE:
        return "Terraform is being stopped. What is gone stays gone."
    return _HAPPENING[run.cancel]


def can_kill(run: Run) -> bool:
    """Whether Terraform may be killed now: only after it was asked to stop at once."""
    return CancelMode.FORCE in run.cancel_choices
