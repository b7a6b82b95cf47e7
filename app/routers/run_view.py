"""What the pages of a run and of its workstation both show of it."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.models import Run, RunKind, RunResource, Workstation
from app.services import progress, runs
from app.services.progress import Progress

_DOING = {RunKind.PROVISION: "Building", RunKind.UPDATE: "Updating", RunKind.DESTROY: "Destroying"}


@dataclass(frozen=True)
class Failure:
    """A run that ended in an error: what to do first, the raw text after it."""

    run: Run
    title: str
    action: str
    error: str


@dataclass(frozen=True)
class RunView:
    """One run as the pages show it; `progress` only while it goes on, `failure` only when it failed."""

    run: Run
    title: str
    resources: list[RunResource]
    progress: Progress | None
    estimate: str
    failure: Failure | None


async def view(session: AsyncSession, run: Run, workstation: Workstation, now: datetime) -> RunView:
    """Look at a run as it stands."""
    resources = list(await runs.resources(session, run.id))
    way = await progress.of_run(session, run, resources, now) if run.is_busy else None
    return RunView(
        run=run,
        title=f"{_DOING[run.kind]} {workstation.name}",
        resources=resources,
        progress=way,
        estimate=_estimate(run, way.remaining_seconds) if way else "",
        failure=_failure(run),
    )


def _failure(run: Run) -> Failure | None:
    hint = runs.hint(run)
    return Failure(run, hint.title, hint.action, run.error or "") if hint and run.is_final else None


def _estimate(run: Run, seconds: int | None) -> str:
    if run.is_queued:
        return "Waiting for its turn"
    if seconds is None or seconds <= 5:
        return "Nearly there"
    if seconds < 90:
        return f"About {round(seconds, -1) or 10} seconds left"
    return f"About {round(seconds / 60)} minutes left"
