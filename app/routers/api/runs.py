"""/api/v1/runs: list, read, log, cancel, approve, discard, retry."""

from typing import Annotated

from fastapi import APIRouter, Body
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from app.deps import ContextDep, MemberDep, PortalDep, RunDep, SessionDep, is_identifier
from app.models import CancelMode
from app.routers import log_files
from app.routers.api.run_answers import RunAnswer, brief, full
from app.routers.api.shapes import errors
from app.routers.paging import After, Limit, Offset
from app.services import decisions, runs

router = APIRouter(prefix="/api/v1/runs", tags=["runs"], responses=errors(401, 403, 404, 409, 422))


class CancelRequest(BaseModel):
    """How to stop a run; `cancel_choices` lists the modes that are available now."""

    model_config = ConfigDict(extra="forbid")

    mode: CancelMode = Field(
        CancelMode.UNDO,
        description="undo: Terraform finishes the current step, then changes are rolled back; now: Terraform is "
        "interrupted first; force: it is killed first.",
    )


class ApprovalRequest(BaseModel):
    """Confirmation of a plan that deletes data."""

    model_config = ConfigDict(extra="forbid")

    confirm: str | list[str] = Field("", description="The name of each resource whose data is deleted, as in `awaits`.")

    @property
    def names(self) -> list[str]:
        """The confirmations as a list."""
        return [self.confirm] if isinstance(self.confirm, str) else self.confirm


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
    return [brief(run) for run in found]


@router.get("/{run_id}")
async def read_run(run: RunDep, portal: PortalDep, session: SessionDep) -> RunAnswer:
    """One run, with its planned changes."""
    return await full(session, run, portal.clock())


@router.get(
    "/{run_id}/log",
    response_class=StreamingResponse,
    responses={200: {"content": {log_files.JSON_LINES: {"schema": log_files.LogLineAnswer.model_json_schema()}}}},
)
async def read_log(run: RunDep, portal: PortalDep, after: After = 0) -> StreamingResponse:
    """The log so far, one JSON object per line. Lines with a `seq` greater than `after` are returned."""
    return StreamingResponse(log_files.json_lines(portal, run.id, after), media_type=log_files.JSON_LINES)


@router.post("/{run_id}/cancel")
async def cancel_run(
    run: RunDep, ctx: ContextDep, spec: Annotated[CancelRequest, Body(default_factory=CancelRequest)]
) -> RunAnswer:
    """Stop a run. It ends as soon as its worker has stopped; call again with a stronger `mode` if it does not."""
    await decisions.cancel(ctx, run, spec.mode)
    return await full(ctx.session, run, ctx.now)


@router.post("/{run_id}/approve", status_code=202)
async def approve_run(
    run: RunDep, ctx: ContextDep, approval: Annotated[ApprovalRequest, Body(default_factory=ApprovalRequest)]
) -> RunAnswer:
    """Approve a run's plan. Exactly this plan is applied."""
    await decisions.approve(ctx, run, approval.names)
    return await full(ctx.session, run, ctx.now)


@router.post("/{run_id}/discard")
async def discard_run(run: RunDep, ctx: ContextDep) -> RunAnswer:
    """Do not do what the run `awaits`. Nothing is changed."""
    await decisions.discard(ctx, run)
    return await full(ctx.session, run, ctx.now)


@router.post("/{run_id}/retry", status_code=202)
async def retry_run(run: RunDep, ctx: ContextDep) -> RunAnswer:
    """Queue the same change again, as a new run."""
    again = await decisions.retry(ctx, run)
    return await full(ctx.session, await runs.find(ctx.session, ctx.member, again.id), ctx.now)
