"""The pages of a run: its plan and progress, its log, and the decisions about it."""

from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import StreamingResponse
from fastapi.sse import format_sse_event

from app.deps import ContextDep, Portal, PortalDep, RunDep, SessionDep
from app.errors import NotFoundError
from app.live import run_topic
from app.models import CancelMode, Member, Run, RunKind, Workstation
from app.routers import log_files, streams
from app.routers.paging import After
from app.sent_forms import shown_on
from app.services import decisions, runs
from app.services.context import Context
from app.services.runs import stacks
from app.services.runs.stacks import Subject
from app.services.shared import costs, shared_settings
from app.views import elsewhere, run_stop
from app.views.run_view import name_in_sentence, path, view
from app.web import redirect, render

router = APIRouter(prefix="/runs", dependencies=[shown_on("/runs/{run_id}")])
LINES_ON_PAGE = 1000


@router.get("/{run_id}")
async def show(request: Request, run: RunDep, ctx: ContextDep) -> Response:
    """One run with the end of its log, which the page then continues live."""
    subject = await stacks.subject(ctx.session, run.stack_id)
    skipped = max(0, run.log_seq - LINES_ON_PAGE)
    context = {
        **_about(run, subject),
        "view": await view(ctx.session, run, subject, ctx.now),
        "lines": await runs.read_log(ctx.session, run.id, after=skipped, limit=LINES_ON_PAGE),
        "skipped": skipped,
        "elsewhere": await elsewhere.of(ctx, run, subject) if isinstance(subject, Workstation) else [],
        "costs": _costs(run, ctx) if run.kind is RunKind.CONFIGURE and run.can_approve else None,
    }
    return render(request, "runs/show.html", context, fragment="runs/_show.html")


def _costs(run: Run, ctx: Context) -> costs.SharedCosts:
    """What the shared stack costs with the settings of this run."""
    chosen = shared_settings.stored(run.inputs, shared_settings.defaults(ctx.settings))
    return costs.of(chosen.model_dump(), ctx.catalog)


def _about(run: Run, subject: Subject) -> dict[str, Any]:
    """Template variables about a run and what it changes."""
    workstation = subject if isinstance(subject, Workstation) else None
    return {
        "run": run,
        "subject": subject,
        "subject_name": name_in_sentence(subject),
        "subject_path": path(subject),
        "section": "workstations" if workstation else "shared-stack",
        "connect_to": workstation.name if workstation and workstation.can_connect else "",
    }


@router.get("/{run_id}/events")
async def follow(request: Request, run: RunDep, portal: PortalDep, after: After = 0) -> StreamingResponse:
    """New log lines as HTML, numbered so that a reconnect resumes, and a signal whenever the run changes."""
    return streams.event_stream(_events(request, portal, run.id, streams.resume_point(request, after)))


async def _events(request: Request, portal: Portal, run_id: str, after: int) -> AsyncIterator[bytes]:
    is_news = streams.has_changed(request, portal, run_topic(run_id))
    lines_html = request.app.state.templates.get_template("runs/_log_lines.html")
    async for changed in streams.watch(request, portal, run_topic(run_id)):
        if not changed:
            yield streams.PING
            continue
        # The run is read before its lines: if it is final, no line can be missing.
        run = await _still_allowed(request, portal, run_id)
        if run is None:
            return
        async for lines in streams.log_batches(portal, run_id, after):
            after = lines[-1].seq
            yield format_sse_event(data_str=lines_html.render(lines=lines), id=str(after))
        if is_news:
            yield streams.CHANGED
        is_news = True
        if run.is_final:
            yield streams.DONE
            return


async def _still_allowed(request: Request, portal: Portal, run_id: str) -> Run | None:
    """The run, read again for whoever opened the stream; None once they may not read it."""
    async with portal.database.sessions() as session:
        try:
            return await runs.find(session, await session.get_one(Member, request.state.viewer.id), run_id)
        except NotFoundError:
            return None


@router.get("/{run_id}/log")
async def download_log(run: RunDep, portal: PortalDep) -> StreamingResponse:
    """The whole log as a text file."""
    return streams.file(log_files.text(portal, run.id), f"run-{run.id}.log", "text/plain; charset=utf-8")


@router.get("/{run_id}/log.jsonl")
async def download_json_lines(run: RunDep, portal: PortalDep) -> StreamingResponse:
    """The whole log as JSON Lines."""
    return streams.file(log_files.json_lines(portal, run.id), f"run-{run.id}.jsonl", log_files.JSON_LINES)


@router.post("/{run_id}/cancel")
async def cancel(
    run: RunDep,
    ctx: ContextDep,
    mode: Annotated[CancelMode, Form()] = CancelMode.UNDO,
    back: Annotated[Literal["run", "subject"], Form()] = "run",
) -> Response:
    """Stop the run in the chosen way, and return to the page that has the button."""
    await decisions.cancel(ctx, run, mode)
    subject = await stacks.subject(ctx.session, run.stack_id)
    return redirect(path(subject) if back == "subject" else f"/runs/{run.id}")


@router.get("/{run_id}/kill")
async def kill_page(request: Request, run: RunDep, session: SessionDep) -> Response:
    """The page that explains the risks of killing Terraform."""
    subject = await stacks.subject(session, run.stack_id)
    return render(request, "runs/kill.html", {**_about(run, subject), "can_kill": run_stop.can_kill(run)})


@router.post("/{run_id}/approve")
async def approve(run: RunDep, ctx: ContextDep, confirm: Annotated[list[str] | None, Form()] = None) -> Response:
    """Approve the plan."""
    await decisions.approve(ctx, run, confirm or [])
    return redirect(f"/runs/{run.id}")


@router.post("/{run_id}/discard")
async def discard(run: RunDep, ctx: ContextDep) -> Response:
    """Discard the plan."""
    await decisions.discard(ctx, run)
    return redirect(f"/runs/{run.id}")


@router.post("/{run_id}/retry")
async def retry(run: RunDep, ctx: ContextDep) -> Response:
    """Queue the same change again, as a new run. Like all requests about a workstation, it leads to its page."""
    again = await decisions.retry(ctx, run)
    subject = await stacks.subject(ctx.session, run.stack_id)
    return redirect(path(subject) if isinstance(subject, Workstation) else f"/runs/{again.id}")
