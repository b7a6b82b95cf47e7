"""/api/v1/runs: list, read, log, cancel, retry."""

from collections.abc import AsyncIterator
from datetime import datetime

from fastapi import APIRouter
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from app.deps import MemberDep, Portal, PortalDep, RunDep, SessionDep, is_identifier
from app.models import CancelMode, LogLevel, Run, RunKind, RunResource, RunStatus
from app.routers.api.shapes import After, Limit, Offset, errors
from app.services import decisions, runs

router = APIRouter(prefix="/api/v1/runs", tags=["runs"], responses=errors(401, 403, 404, 409, 422))
LINES_A_BATCH = 1000


class HintAnswer(BaseModel):
    """What went wrong, and what to do next."""

    title: str
    action: str


class PlannedChange(BaseModel):
    """One resource that the run creates, changes or deletes."""

    address: str
    action: str
    state: str


class RunAnswer(BaseModel):
    """One run."""

    id: str
    workstation_id: str
    kind: RunKind
    status: RunStatus
    requested_by: str
    """Address of the member who asked for it."""
    plan: list[PlannedChange] | None
    """What it changes, as far as it is known; left out of lists."""
    error: str | None
    hint: HintAnswer | None
    attempt: int
    created_at: datetime
    claimed_at: datetime | None
    finished_at: datetime | None
    superseded_by: str | None


class LogLineAnswer(BaseModel):
    """One line of the log, as one line of JSON."""

    seq: int
    at: datetime
    level: LogLevel
    step: str | None
    message: str


def answer(run: Run, resources: list[RunResource] | None = None) -> RunAnswer:
    """The row as JSON."""
    hint = runs.hint(run)
    plan = [PlannedChange(address=each.address, action=each.action, state=each.state) for each in resources or ()]
    return RunAnswer(
        id=run.id,
        workstation_id=run.stack_id,
        kind=run.kind,
        status=run.status,
        requested_by=run.requester.email,
        plan=None if resources is None else plan,
        error=run.error,
        hint=HintAnswer(title=hint.title, action=hint.action) if hint else None,
        attempt=run.attempt,
        created_at=run.created_at,
        claimed_at=run.claimed_at,
        finished_at=run.finished_at,
        superseded_by=run.superseded_by,
    )


@router.get("")
async def list_runs(
    session: SessionDep,
    member: MemberDep,
    workstation_id: str | None = None,
    limit: Limit = 50,
    offset: Offset = 0,
) -> list[RunAnswer]:
    """Runs of your workstations, newest first."""
    if workstation_id and not is_identifier(workstation_id):
        return []
    found = await runs.list_of(session, member, workstation_id=workstation_id, limit=limit, offset=offset)
    return [answer(run) for run in found]


@router.get("/{run_id}")
async def read_run(run: RunDep, session: SessionDep) -> RunAnswer:
    """One run, with what it changes."""
    return answer(run, list(await runs.resources(session, run.id)))


@router.get(
    "/{run_id}/log",
    response_class=StreamingResponse,
    responses={200: {"content": {"application/x-ndjson": {"schema": LogLineAnswer.model_json_schema()}}}},
)
async def read_log(run: RunDep, portal: PortalDep, after: After = 0) -> StreamingResponse:
    """The log so far, one JSON object a line; `after` is the last `seq` that you have."""
    return StreamingResponse(_lines(portal, run.id, after), media_type="application/x-ndjson")


async def _lines(portal: Portal, run_id: str, after: int) -> AsyncIterator[str]:
    """Batch by batch, each with a database session of its own, so that no log is too long and none holds one open."""
    while True:
        async with portal.database.sessions() as session:
            batch = await runs.log(session, run_id, after=after, limit=LINES_A_BATCH)
        for line in batch:
            yield LogLineAnswer.model_validate(line, from_attributes=True).model_dump_json() + "\n"
        if len(batch) < LINES_A_BATCH:
            return
        after = batch[-1].seq


@router.post("/{run_id}/cancel")
async def cancel_run(run: RunDep, portal: PortalDep, session: SessionDep, member: MemberDep) -> RunAnswer:
    """Take back a run that is still queued."""
    await decisions.cancel(session, run, member, CancelMode.UNDO, portal.clock())
    return answer(run)


@router.post("/{run_id}/retry", status_code=202)
async def retry_run(run: RunDep, portal: PortalDep, session: SessionDep, member: MemberDep) -> RunAnswer:
    """Ask for the same again, as a new run."""
    again = await decisions.retry(session, run, member, portal.clock())
    return answer(await runs.find(session, member, again.id))
