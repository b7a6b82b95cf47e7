"""The pages of a run: what it does, its log live and as a file, cancel and retry."""

from collections.abc import AsyncIterator

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse
from fastapi.sse import format_sse_event

from app.deps import MemberDep, Portal, PortalDep, RunDep, SessionDep, get_caller
from app.errors import StationmasterError
from app.live import run_topic
from app.models import CancelMode, LogLevel, LogLine, Run
from app.routers import streams
from app.routers.api.shapes import After
from app.routers.run_view import view
from app.services import decisions, runs, workstations
from app.web import redirect, render

router = APIRouter(prefix="/runs")
LINES_ON_PAGE = 1000


@router.get("/{run_id}")
async def show(request: Request, run: RunDep, portal: PortalDep, session: SessionDep, member: MemberDep) -> Response:
    """One run with the end of its log, which the page then follows."""
    workstation = await workstations.find(session, member, run.stack_id)
    skipped = max(0, run.log_seq - LINES_ON_PAGE)
    context = {
        "run": run,
        "workstation": workstation,
        "view": await view(session, run, workstation, portal.clock()),
        "lines": await runs.log(session, run.id, after=skipped, limit=LINES_ON_PAGE),
        "skipped": skipped,
    }
    return render(request, "runs/show.html", context, fragment="runs/_show.html")


@router.get("/{run_id}/events")
async def follow(request: Request, run: RunDep, portal: PortalDep, after: After = 0) -> StreamingResponse:
    """New log lines as HTML, numbered so that a reconnect resumes, and a signal whenever anything changed."""
    return streams.event_stream(_events(request, portal, run.id, streams.resume_point(request, after)))


async def _events(request: Request, portal: Portal, run_id: str, after: int) -> AsyncIterator[bytes]:
    lines_html = request.app.state.templates.get_template("runs/_log_lines.html")
    with portal.hub.subscribe(run_topic(run_id)) as signals:
        async for changed in streams.wakes(signals):
            if not changed:
                yield streams.PING
                continue
            # The run first, its lines after it: of a run that is final no line can then be missing.
            run = await _still_allowed(request, portal, run_id)
            if run is None:
                return
            async for lines in streams.log_batches(portal, run_id, after):
                after = lines[-1].seq
                yield format_sse_event(data_str=lines_html.render(lines=lines), id=str(after))
            yield streams.CHANGED
            if run.is_final:
                yield streams.DONE
                return


async def _still_allowed(request: Request, portal: Portal, run_id: str) -> Run | None:
    """The run anew, for whoever opened the stream: somebody who signed out meanwhile reads no further line."""
    async with portal.database.sessions.begin() as session:
        try:
            caller = await get_caller(request, portal, session, None)
            return await runs.find(session, caller.member, run_id) if caller else None
        except StationmasterError:
            return None


@router.get("/{run_id}/log")
async def download_log(run: RunDep, portal: PortalDep) -> StreamingResponse:
    """The whole log as a text file."""
    headers = {"Content-Disposition": f'attachment; filename="run-{run.id}.log"'}
    return StreamingResponse(_text(portal, run.id), media_type="text/plain; charset=utf-8", headers=headers)


async def _text(portal: Portal, run_id: str) -> AsyncIterator[str]:
    async for lines in streams.log_batches(portal, run_id):
        yield "".join(_as_text(line) for line in lines)


def _as_text(line: LogLine) -> str:
    level = "" if line.level is LogLevel.INFO else f"{line.level.upper()}: "
    return f"{line.at.isoformat(timespec='milliseconds')} {line.step or 'portal'}: {level}{line.message}\n"


@router.post("/{run_id}/cancel")
async def cancel(run: RunDep, portal: PortalDep, session: SessionDep, member: MemberDep) -> Response:
    """Take a queued run back."""
    await decisions.cancel(session, run, member, CancelMode.UNDO, portal.clock())
    return redirect(f"/runs/{run.id}")


@router.post("/{run_id}/retry")
async def retry(run: RunDep, portal: PortalDep, session: SessionDep, member: MemberDep) -> Response:
    """Ask for the same again."""
    again = await decisions.retry(session, run, member, portal.clock())
    return redirect(f"/runs/{again.id}")
