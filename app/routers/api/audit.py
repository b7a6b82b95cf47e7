"""The audit log as JSON, for admins."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from app.deps import AdminDep, SessionDep
from app.routers.api.shapes import errors
from app.routers.audit_files import AuditEntryAnswer
from app.routers.paging import MOST_ENTRIES
from app.services import audit
from app.services.audit import AuditFilter

router = APIRouter(prefix="/api/v1/audit", tags=["audit"], responses=errors(401, 403, 422))


class AuditPage(AuditFilter):
    """A filter of audit entries, and a page."""

    below: int | None = Field(None, ge=1, le=MOST_ENTRIES, description="Only entries with a smaller number.")
    limit: int = Field(50, ge=1, le=200)


class AuditEntries(BaseModel):
    """A page of decisions, newest first."""

    items: list[AuditEntryAnswer]
    next_below: int | None = Field(description="`below` for the next page; null if there is none.")


@router.get("")
async def list_audit(session: SessionDep, _: AdminDep, desired: Annotated[AuditPage, Query()]) -> AuditEntries:
    """All decisions: by whom, when, from where, and the values before and after. For admins."""
    found = await audit.entries(session, desired, below=desired.below, limit=desired.limit + 1)
    page = found[: desired.limit]
    items = [AuditEntryAnswer.model_validate(entry) for entry in page]
    return AuditEntries(items=items, next_below=page[-1].number if len(found) > len(page) else None)
