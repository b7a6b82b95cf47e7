"""/api/v1/workstations/{id}/history and /console: what happened to a workstation's machine, and what it prints."""

from datetime import datetime
from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel

from app.deps import SessionDep, WorkstationDep
from app.models import MachineEventKind
from app.routers.api.shapes import errors
from app.routers.paging import Boot
from app.services import runs
from app.services.workstations import consoles, history
from app.services.workstations.history import TimelineEntry

router = APIRouter(
    prefix="/api/v1/workstations/{workstation_id}", tags=["workstations"], responses=errors(401, 403, 404, 409, 422)
)


class HistoryEntry(BaseModel):
    """Something that happened."""

    at: datetime
    kind: MachineEventKind | Literal["run", "ssh_keys"]
    by: str | None
    """Who did it, where that is known."""
    detail: str | None
    """Why, as far as that is known."""
    run_id: str | None
    boot_id: str | None
    """Of a boot, for its serial console."""
    keys_added: list[str]
    keys_removed: list[str]


class ConsoleAnswer(BaseModel):
    """The end of a machine's serial console."""

    read_at: datetime | None
    """When a worker read it; null if that has not happened."""
    is_requested: bool
    """Whether a worker is reading it now."""
    text: str
    """The last 200 lines at most. Control characters are replaced by visible signs, secrets by `(secret)`."""
    problem: str | None
    """Why there is no text."""


@router.get("/history")
async def read_history(workstation: WorkstationDep, session: SessionDep) -> list[HistoryEntry]:
    """What happened to a workstation, newest first: runs, changes at Google, boots, mounts and SSH keys."""
    made = await runs.of_stack(session, workstation.id, history.MOST_OF_EACH)
    return [_answer(entry) for entry in (await history.of(session, workstation.id, made)).entries]


@router.get("/console")
async def read_console(workstation: WorkstationDep, session: SessionDep, boot: Boot = "") -> ConsoleAnswer:
    """The serial console of a boot (its `boot_id` in the history) or, without one, as it was last asked for."""
    console = await consoles.read(session, workstation.id, boot)
    return ConsoleAnswer(
        read_at=console.read_at if console else None,
        is_requested=await consoles.is_requested(session, workstation.id, boot),
        text=console.text if console else "",
        problem=console.problem if console else None,
    )


@router.post("/console", status_code=202)
async def request_console(workstation: WorkstationDep, session: SessionDep) -> ConsoleAnswer:
    """Have a worker read the serial console as it is now. Returns what is known so far."""
    await consoles.request_now(session, workstation)
    return await read_console(workstation, session)


def _answer(entry: TimelineEntry) -> HistoryEntry:
    run = entry.run or (entry.keys.run if entry.keys else None)
    event, keys = entry.event, entry.keys
    return HistoryEntry(
        at=entry.at,
        kind=event.kind if event else "ssh_keys" if keys else "run",
        by=run.requester_name if run else event.by if event else None,
        detail=event.detail if event else keys.why if keys else (run and run.reason) or None,
        run_id=run.id if run else None,
        boot_id=event.id if event and event.kind.is_boot else None,
        keys_added=keys.added if keys else [],
        keys_removed=keys.removed if keys else [],
    )
