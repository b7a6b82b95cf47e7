"""/api/v1/bulk-actions: the same for many workstations at once. For admins."""

from datetime import datetime
from typing import Annotated, Self

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, model_validator

from app.deps import AdminDep, ContextDep, IdPath, SessionDep
from app.models import BulkAction, BulkItem, BulkVerb, RunStatus
from app.routers.api.shapes import errors
from app.routers.paging import MOST_ROWS, After
from app.services.audit import Words
from app.services.workstations import bulk
from app.services.workstations.bulk import Summary

router = APIRouter(prefix="/api/v1/bulk-actions", tags=["workstations"], responses=errors(401, 403, 404, 422))


class BulkRequest(BaseModel):
    """What is to be done, and with which workstations: either their IDs, or a search with the number that it finds."""

    model_config = ConfigDict(extra="forbid")

    verb: BulkVerb = Field(description="A deletion keeps the data disks.")
    workstation_ids: list[Annotated[str, Field(max_length=20, pattern="^[a-z0-9]+$")]] | None = Field(
        None, min_length=1, max_length=bulk.MOST
    )
    q: Words | None = Field(None, description="A search as in the list of workstations. Kept disks are left out.")
    number: Annotated[int, Field(ge=1, le=MOST_ROWS)] | None = Field(
        None, description="How many workstations the search finds. If there are others now, nothing is done."
    )

    @model_validator(mode="after")
    def _says_which(self) -> Self:
        if (self.workstation_ids is None) == (self.q is None) or (self.q is None) != (self.number is None):
            raise ValueError("Name either workstation_ids, or q and number.")
        return self


class BulkItemAnswer(BaseModel):
    """What has become of one workstation."""

    workstation_id: str
    name: str
    owner: str
    """The owner's email address."""
    run_id: str | None
    run_status: RunStatus | None
    problem: str | None
    """Why there is no run. Both null: it waits."""


class BulkActionAnswer(BaseModel):
    """A bulk action, with a page of its workstations."""

    id: str
    verb: BulkVerb
    requested_by: str
    created_at: datetime
    total: int
    waiting: int
    under_way: int
    succeeded: int
    failed: int
    refused: int
    items: list[BulkItemAnswer]
    after: int | None
    """What the next page's `after` is; null on the last page."""


class BulkActionStarted(BaseModel):
    """It goes on in the background."""

    id: str


@router.post("", status_code=202, responses=errors(409))
async def request_bulk_action(wanted: BulkRequest, ctx: ContextDep, _: AdminDep) -> BulkActionStarted:
    """Do the same with many workstations. Each gets a run of its own, or a reason why not."""
    if wanted.workstation_ids is not None:
        action = await bulk.request(ctx, wanted.verb, wanted.workstation_ids)
    else:
        action = await bulk.request_all(ctx, wanted.verb, wanted.q or "", wanted.number or 0)
    return BulkActionStarted(id=action.id)


@router.get("/{action_id}")
async def read_bulk_action(action_id: IdPath, session: SessionDep, _: AdminDep, after: After = 0) -> BulkActionAnswer:
    """What has become of it so far."""
    action = await bulk.read(session, action_id)
    page = await bulk.items(session, action_id, after=after)
    return _answer(action, await bulk.summary(session, action_id), [_item(each) for each in page.items], page.after)


def _answer(action: BulkAction, summary: Summary, items: list[BulkItemAnswer], after: int | None) -> BulkActionAnswer:
    counts = ("total", "waiting", "under_way", "succeeded", "failed", "refused")
    return BulkActionAnswer(
        id=action.id,
        verb=action.verb,
        requested_by=action.requester.email,
        created_at=action.created_at,
        items=items,
        after=after,
        **{name: getattr(summary, name) for name in counts},
    )


def _item(item: BulkItem) -> BulkItemAnswer:
    return BulkItemAnswer(
        workstation_id=item.workstation_id,
        name=item.workstation.name,
        owner=item.workstation.owner.email,
        run_id=item.run_id,
        run_status=item.run.status if item.run else None,
        problem=item.problem,
    )
