"""What the pages of a run and of its workstation both show of it."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.models import Member, Run, RunResource, Workstation
from app.services import runs
from app.services.runs import Waiting, progress
from app.services.runs.progress import Progress
from app.services.stacks import Subject
from app.services.terraform import plans
from app.services.terraform.attributes import REPLACES, UNKNOWN, Attribute, Change
from app.views import run_stop

SHORT_PLAN = 12
"""Attributes that a plan may have to be shown unfolded."""


@dataclass(frozen=True)
class Failure:
    """A run that ended in an error: what to do first, the raw text after it."""

    run: Run
    title: str
    action: str
    error: str


@dataclass(frozen=True)
class PlanView:
    """A plan, or what has changed between two states, as people read it."""

    changes: list[Change]
    outputs: list[Attribute]
    awaits: list[dict[str, str]]
    title: str = "Plan"

    @property
    def counts(self) -> list[tuple[str, int]]:
        """How many resources are created, replaced and so on."""
        return sorted(Counter(change["action"] for change in self.changes).items())

    @property
    def is_short(self) -> bool:
        """Whether it is readable at a glance."""
        told = [attribute for change in self.changes for attribute in change["attributes"]]
        return sum(attribute["note"] != UNKNOWN for attribute in [*told, *self.outputs]) <= SHORT_PLAN

    def is_loss(self, change: Change) -> bool:
        """Whether something would be lost for good."""
        return any(awaited["address"] == change["address"] and awaited.get("name") for awaited in self.awaits)

    def is_open(self, change: Change) -> bool:
        """Whether its attributes are shown unasked."""
        return self.is_short or self.is_loss(change) or any(REPLACES in (a["note"] or "") for a in change["attributes"])


@dataclass(frozen=True)
class RunView:
    """One run as the pages show it; `progress` only while it goes on, `failure` only when it failed."""

    run: Run
    title: str
    resources: list[RunResource]
    progress: Progress | None
    estimate: str
    failure: Failure | None
    plan: PlanView | None
    stop_choices: list[run_stop.StopChoice]
    stopping: str
    waiting: Waiting | None
    next: Run | None
    trouble: str
    """Why it is tried again."""
    can_retry: bool
    remove_path: str
    """The page that asks whether to remove what failed; empty where there is none."""
    canceled_by: Member | None
    approved_by: Member | None

    @property
    def cancels_simply(self) -> bool:
        """Whether one button does, without a word on what it means: nothing has been changed yet."""
        can = bool(self.stop_choices) and not self.run.is_canceling and not self.run.can_discard
        return can and not self.run.has_changed_anything

    @property
    def offers_to_stop(self) -> bool:
        """Whether there are ways to stop it, each with its consequences."""
        can = bool(self.stop_choices) and not self.run.is_canceling and not self.run.can_discard
        return can and self.run.has_changed_anything

    @property
    def is_by_hand(self) -> bool:
        """Somebody works on the stack with their own Terraform."""
        return self.run.kind.traits.decides_itself and not self.run.is_final


async def view(session: AsyncSession, run: Run, subject: Subject, now: datetime) -> RunView:
    """Look at a run as it stands."""
    resources = list(await runs.resources(session, run.id))
    goes_on = run.is_busy and not run.is_canceling
    way = await progress.of_run(session, run, resources, now) if goes_on else None
    return RunView(
        run=run,
        title=f"{run.kind.traits.doing} {spoken(subject)}",
        resources=resources,
        progress=way,
        estimate=_estimate(run, way.remaining_seconds) if way else "",
        failure=_failure(run),
        plan=await _plan(session, run),
        stop_choices=run_stop.choices(run),
        stopping=run_stop.happening(run),
        waiting=await runs.waiting(session, run, now),
        next=await runs.next_of(session, run),
        trouble=await runs.trouble(session, run) if run.is_retrying else "",
        can_retry=run.can_retry and not subject.rejects(run.kind),
        remove_path=f"{path(subject)}/destroy" if isinstance(subject, Workstation) and subject.can_destroy else "",
        canceled_by=await session.get(Member, run.cancel_by) if run.cancel_by else None,
        approved_by=await session.get(Member, run.approved_by) if run.approved_by else None,
    )


def spoken(subject: Subject) -> str:
    """A stack's subject in a title; its page is at `path`."""
    return subject.name if isinstance(subject, Workstation) else f"the {subject.name}"


def path(subject: Subject) -> str:
    """Where its page is."""
    return f"/workstations/{subject.id}" if isinstance(subject, Workstation) else "/admin/shared-stack"


async def _plan(session: AsyncSession, run: Run) -> PlanView | None:
    shown = await plans.view_of(session, run.id)
    # Undoing is planned as well, and takes the first plan's place.
    title = "Newest plan" if run.cancel and run.has_changed_anything else "Plan"
    return PlanView(shown["changes"], shown["outputs"], run.awaits, title) if shown else None


def _failure(run: Run) -> Failure | None:
    hint = runs.hint(run)
    return Failure(run, hint.title, hint.action, run.error or "") if hint and run.is_final else None


def _estimate(run: Run, seconds: int | None) -> str:
    if run.is_queued:
        return "Waiting for its turn"
    if run.is_retrying:
        return "Waiting to try again"
    if seconds is None or seconds <= 5:
        return "Nearly there"
    if seconds < 90:
        return f"About {round(seconds, -1) or 10} seconds left"
    return f"About {round(seconds / 60)} minutes left"
