"""/api/v1/machine: what workstations' machines post themselves, with their identity tokens from Google."""

import json
from datetime import datetime, timedelta
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from app import live
from app.deps import MachinesOwnDep, PortalDep, SessionDep
from app.errors import TooLargeError
from app.models.idle_stop import LONGEST_KEPT
from app.models.machine_report import LONGEST_ACTIVITY
from app.routers.api.shapes import errors
from app.services.workstations import idle_stops, reports, terminal_notices

router = APIRouter(prefix="/api/v1/machine", tags=["machines"], responses=errors(401, 404, 409, 413, 422, 429, 503))
_MOST_MINUTES = LONGEST_KEPT // timedelta(minutes=1)


class ActivityPost(BaseModel):
    """What a machine does, as its agent measured it."""

    model_config = ConfigDict(extra="forbid")

    record: dict[str, Any] = Field(
        description="As `newest` in a workstation's usage. What makes no sense is unknown, except of its time, `at`.",
        examples=[{"at": "2026-03-02T09:30:00Z", "cpu": 12.5}],
    )


class WarningToShow(BaseModel):
    """That the machine will be stopped soon."""

    id: str
    """The same for the same warning: it is shown once."""
    text: str


class WhatToSay(BaseModel):
    """What the machine should say to whoever works on it."""

    warnings: list[WarningToShow]
    """For terminals, now."""
    banner: list[str]
    """For whoever logs in: the price an hour, and until when it is kept running."""


class KeepSpec(BaseModel):
    """For how long somebody who works on the machine wants it to go on running."""

    model_config = ConfigDict(extra="forbid")

    minutes: int = Field(ge=1, le=_MOST_MINUTES, description="Minutes from now, a week at most.", examples=[240])


class Kept(BaseModel):
    """Until when the machine is kept running."""

    kept_until: datetime | None
    sentence: str
    """The same for people, with an end date that comes first."""


@router.post("/activity")
async def post_activity(
    request: Request, workstation: MachinesOwnDep, posted: ActivityPost, portal: PortalDep, session: SessionDep
) -> WhatToSay:
    """Take in a record. The bearer token is the machine's identity token (`format=full`) for the portal's URL.

    The same record counts once, also if it is in the machine's guest attributes.
    """
    if len(await request.body()) > LONGEST_ACTIVITY:
        raise TooLargeError(LONGEST_ACTIVITY)
    ctx = portal.context(session)
    await reports.record_posted(ctx, workstation, json.dumps(posted.record, separators=(",", ":")))
    warnings = await terminal_notices.warnings(ctx, workstation)
    shown = [WarningToShow(id=warning.id, text=warning.text) for warning in warnings]
    return WhatToSay(warnings=shown, banner=terminal_notices.banner(ctx, workstation))


@router.post("/keep")
async def post_keep(workstation: MachinesOwnDep, spec: KeepSpec, portal: PortalDep, session: SessionDep) -> Kept:
    """Keep the machine running, as somebody who works on it wants. A shorter time than before changes nothing."""
    ctx = portal.context(session)
    await idle_stops.keep_typed(ctx, workstation, ctx.now + timedelta(minutes=spec.minutes))
    await live.signal(session, live.stack_topic(workstation.id), live.member_topic(workstation.owner_id))
    return Kept(kept_until=workstation.keep_until, sentence=terminal_notices.kept_sentence(workstation, ctx.now))
