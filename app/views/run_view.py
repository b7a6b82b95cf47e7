"""Runs as their pages show them."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.models import Member, Run, RunResource, Workstation
from app.services import runs
from app.services.runs import QueueReason, capacity_queue, progress
from app.services.runs.progress import Progress
from app.services.runs.stacks import Subject
from app.services.terraform import plans
from app.services.terraform.attributes import REPLACES, UNKNOWN, Attribute, Change
from app.views import run_stop
from app.views.run_approval import Approval

SHORT_PLAN = 12
"""Up to this many attributes, a plan is shown expanded."""


@dataclass(frozen=True)
class FailureView:
    """A failed run: what happened, what to do, and the full error message."""

    run: Run
    title: str
    action: str
    error: str


@dataclass(frozen=True)
class PlanView:
    """A plan, or the differences between two states, in a readable form."""

    changes: list[Change]
    outputs: list[Attribute]
    awaits: list[dict[str, str]]
    title: str = "Plan"

    @property
    def counts(self) -> list[tuple[str, int]]:
        """How many resources are created, replaced and so on, by action."""
        return sorted(Counter(change["action"] for change in self.changes).items())

    @property
    def is_short(self) -> bool:
        """Whether it has few enough attributes to be shown expanded."""
        attributes = [attribute for change in self.changes for attribute in change["attributes"]]
        return sum(attribute["note"] != UNKNOWN for attribute in [*attributes, *self.outputs]) <= SHORT_PLAN

    def is_loss(self, change: Change) -> bool:
        """Whether the change deletes data, and so requires a confirmation by name."""
        return any(awaited["address"] == change["address"] and awaited.get("name") for awaited in self.awaits)

    def is_open(self, change: Change) -> bool:
        """Whether the change is shown expanded."""
        return self.is_short or self.is_loss(change) or any(REPLACES in (a["note"] or "") for a in change["attributes"])


@dataclass(frozen=True)
class RunView:
    """One run as pages show it. `progress` is None unless it is in progress, `failure` unless it failed."""

    run: Run
    title: str
    resources: list[RunResource]
    progress: Progress | None
    estimate: str
    took: timedelta | None
    failure: FailureView | None
    plan: PlanView | None
    stop_choices: list[run_stop.StopChoice]
    stopping: str
    waiting: QueueReason | None
    next: Run | None
    last_error: str
    """Why it is retried, as a sentence; empty if it is not, or the log does not say."""
    ahead: int
    """How many have waited for the same capacity for longer."""
    can_retry: bool
    remove_path: str
    """The page that deletes a workstation whose run failed; empty if there is nothing to delete."""
    canceled_by: Member | None
    approved_by: Member | None

    @property
    def approval(self) -> Approval:
        """What an approval would allow."""
        return Approval.of(self.run)

    @property
    def cancels_simply(self) -> bool:
        """Whether a plain Cancel button is enough, as nothing was changed yet."""
        can = bool(self.stop_choices) and not self.run.is_canceling and not self.run.can_approve
        return can and (self.run.is_waiting or not self.run.has_changed_anything)

    @property
    def offers_to_stop(self) -> bool:
        """Whether to offer ways to stop it, each with an explanation."""
        can = bool(self.stop_choices) and not self.run.is_canceling and not self.run.can_approve
        return can and self.run.has_changed_anything and not self.run.is_waiting

    @property
    def is_checkout(self) -> bool:
        """Whether it is a checkout: an admin works on the stack with Terraform."""
        return self.run.kind.traits.decides_itself and not self.run.is_final


async def view(session: AsyncSession, run: Run, subject: Subject, now: datetime) -> RunView:
    """Prepare a run for its pages."""
    resources = list(await runs.resources(session, run.id))
    is_in_progress = run.is_busy and not run.is_canceling and not run.is_waiting
    current = await progress.of_run(session, run, resources, now) if is_in_progress else None
    return RunView(
        run=run,
        title=f"{run.kind.traits.doing} {name_in_sentence(subject)}",
        resources=resources,
        progress=current,
        estimate=_estimate(run, current.remaining_seconds) if current else "",
        took=progress.took(run),
        failure=_failure(run),
        plan=await _plan(session, run),
        stop_choices=run_stop.choices(run),
        stopping=run_stop.in_progress(run),
        waiting=await runs.waiting(session, run, now),
        next=await runs.next_of(session, run),
        last_error=await runs.last_error(session, run) if run.is_retrying else "",
        ahead=await capacity_queue.ahead(session, run) if run.waiting_since and not run.is_final else 0,
        can_retry=run.can_retry and not subject.rejects(run.kind),
        remove_path=f"{path(subject)}/destroy" if isinstance(subject, Workstation) and subject.can_destroy else "",
        canceled_by=await session.get(Member, run.cancel_by) if run.cancel_by else None,
        approved_by=await session.get(Member, run.approved_by) if run.approved_by else None,
    )


def name_in_sentence(subject: Subject) -> str:
    """The subject as part of a sentence or title."""
    return subject.name if isinstance(subject, Workstation) else f"the {subject.name}"


def path(subject: Subject) -> str:
    """The path of the subject's page."""
    return f"/workstations/{subject.id}" if isinstance(subject, Workstation) else "/admin/shared-stack"


async def _plan(session: AsyncSession, run: Run) -> PlanView | None:
    shown = await plans.view_of(session, run.id)
    # A rollback has its own plan, which replaces the first one.
    title = "Latest plan" if run.cancel and run.has_changed_anything else "Plan"
    return PlanView(shown["changes"], shown["outputs"], run.awaits, title) if shown else None


def _failure(run: Run) -> FailureView | None:
    hint = runs.hint(run)
    return FailureView(run, hint.title, hint.action, run.error or "") if hint and run.is_final else None


def _estimate(run: Run, seconds: int | None) -> str:
    if run.is_queued:
        return "Queued"
    if run.is_retrying:
        return "Waiting to retry"
    if seconds is None or seconds <= 5:
        return "Almost done"
    if seconds < 90:
        return f"About {round(seconds, -1) or 10} seconds left"
    return f"About {round(seconds / 60)} minutes left"
