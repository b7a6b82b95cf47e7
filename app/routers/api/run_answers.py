"""One run as JSON."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession

from app.models import CancelMode, ResourceState, Run, RunKind, RunStatus
from app.services import runs
from app.services.runs import capacity_queue
from app.services.terraform import plans
from app.services.terraform.attributes import Attribute, Change


class HintAnswer(BaseModel):
    """What happened, and what to do next."""

    title: str
    action: str


class AttributeAnswer(BaseModel):
    """One attribute that changes. A value is null if there is none, or it is not known yet."""

    path: str
    before: str | None
    after: str | None
    note: str | None = Field(description="Any of: sensitive, known after apply, forces replacement.")


class PlannedChange(BaseModel):
    """One resource that the run creates, changes or deletes."""

    address: str
    action: str
    state: ResourceState
    reason: str | None
    attributes: list[AttributeAnswer]


class Awaited(BaseModel):
    """A change that requires approval."""

    address: str
    action: str
    name: str | None = Field(
        description="A resource whose data is deleted, or a principal or role that loses access. Required in `confirm`."
    )
    member: str | None = Field(description="A principal that would lose `role` in the project.")
    role: str | None


class PlacementAnswer(BaseModel):
    """Where a machine may be created, and as what."""

    model_config = ConfigDict(from_attributes=True)

    zone: str
    machine_type: str
    spot: bool


class TriedAnswer(BaseModel):
    """A placement for which Google had no capacity."""

    model_config = ConfigDict(from_attributes=True)

    placement: PlacementAnswer
    at: datetime


class RunAnswer(BaseModel):
    """One run."""

    id: str
    workstation_id: str
    kind: RunKind
    status: RunStatus
    requested_by: str | None = Field(description="Email of the member who requested it; null for the portal itself.")
    changes: dict[str, Any] = Field(description="New values of the workstation's fields, if it succeeds.")
    plan: list[PlannedChange] | None = Field(description="Planned changes, as far as known; omitted in lists.")
    awaits: list[Awaited] = Field(description="Changes that require (or required) approval.")
    can_approve: bool
    cancel: CancelMode | None = Field(description="How it is being, or was, stopped.")
    cancel_choices: list[CancelMode] = Field(description="Ways to stop it now, least disruptive first.")
    retry_at: datetime | None = Field(description="When it is retried automatically after a temporary error.")
    alternatives: list[PlacementAnswer] = Field(description="What it may try, in order, if Google has no capacity.")
    waiting_since: datetime | None = Field(description="Since when it waits for capacity.")
    wait_until: datetime | None = Field(description="When it gives up waiting.")
    next_try_at: datetime | None = Field(description="When it tries again.")
    ahead: int | None = Field(description="How many have waited for the same for longer; omitted in lists.")
    tried: list[TriedAnswer] = Field(description="What Google had no capacity for.")
    waits: str | None = Field(description="Why it has not started; omitted in lists.")
    next_run_id: str | None = Field(description="The run that is queued after it; omitted in lists.")
    error: str | None
    hint: HintAnswer | None
    attempt: int
    created_at: datetime
    claimed_at: datetime | None
    finished_at: datetime | None
    superseded_by: str | None


def brief(run: Run) -> RunAnswer:
    """A run as in lists, without its plan."""
    hint = runs.hint(run)
    return RunAnswer(
        id=run.id,
        workstation_id=run.stack_id,
        kind=run.kind,
        status=run.status,
        requested_by=run.requester.email if run.requester else None,
        changes=run.changes,
        plan=None,
        awaits=[
            Awaited.model_validate({"name": None, "member": None, "role": None, **change}) for change in run.awaits
        ],
        can_approve=run.can_approve,
        cancel=run.cancel,
        cancel_choices=list(run.cancel_choices),
        retry_at=run.retry_at if run.is_retrying else None,
        alternatives=[PlacementAnswer.model_validate(each) for each in run.placements],
        waiting_since=run.waiting_since,
        wait_until=run.wait_until,
        next_try_at=run.next_try_at if run.is_waiting else None,
        ahead=None,
        tried=[TriedAnswer.model_validate(each) for each in run.tried],
        waits=None,
        next_run_id=None,
        error=run.error,
        hint=HintAnswer(title=hint.title, action=hint.action) if hint else None,
        attempt=run.attempt,
        created_at=run.created_at,
        claimed_at=run.claimed_at,
        finished_at=run.finished_at,
        superseded_by=run.superseded_by,
    )


async def full(session: AsyncSession, run: Run, now: datetime) -> RunAnswer:
    """A run with its planned changes, why it waits, and which run is queued after it."""
    answer = brief(run)
    answer.plan = await _plan(session, run)
    waiting = await runs.waiting(session, run, now)
    answer.waits = waiting.sentence if waiting else None
    if run.waiting_since and not run.is_final:
        answer.ahead = await capacity_queue.ahead(session, run)
    behind = await runs.next_of(session, run)
    answer.next_run_id = behind.id if behind else None
    return answer


async def _plan(session: AsyncSession, run: Run) -> list[PlannedChange]:
    """The planned changes, and resources changed without a plan, as in the first apply of a workstation."""
    view = await plans.view_of(session, run.id)
    changes: list[Change] = view["changes"] if view else []
    resources = {resource.address: resource for resource in await runs.resources(session, run.id)}
    planned = [
        PlannedChange(
            address=change["address"],
            action=change["action"],
            state=resources[change["address"]].state if change["address"] in resources else ResourceState.PENDING,
            reason=change["reason"],
            attributes=[_attribute(attribute) for attribute in change["attributes"]],
        )
        for change in changes
    ]
    known = {change.address for change in planned}
    return planned + [
        PlannedChange(address=address, action=resource.action, state=resource.state, reason=None, attributes=[])
        for address, resource in resources.items()
        if address not in known
    ]


def _attribute(attribute: Attribute) -> AttributeAnswer:
    return AttributeAnswer.model_validate(attribute)
