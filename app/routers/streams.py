"""Answers that go on: signals and log lines as server-sent events, and logs as files. None holds a database session."""

import asyncio
from collections.abc import AsyncIterator

import structlog
from fastapi import Request
from fastapi.responses import StreamingResponse
from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event
from sqlalchemy.exc import SQLAlchemyError
from starlette.types import Receive, Scope, Send

from app.db import is_unavailable
from app.deps import Portal, is_still_signed_in
from app.live import Signals, access_topic
from app.models import LogLine
from app.services import runs

PING_SECONDS = 15.0
"""Shorter than the idle time-outs of the usual proxies."""
PACE_SECONDS = 0.25
"""A stream says something at most four times a second, however fast things change."""
LINES_A_BATCH = 500

log = structlog.get_logger()

CHANGED = format_sse_event(event="changed", data_str="")
DONE = format_sse_event(event="done", data_str="")
PING = KEEPALIVE_COMMENT


class EventStream(StreamingResponse):
    """Server-sent events. Open streams are counted, and a stream ends if the database is unavailable."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send them until somebody has enough. Raises TooManyError before the first one."""
        request = Request(scope)
        with request.app.state.portal.hub.open_stream(request.state.viewer.id):
            await super().__call__(scope, receive, send)


def event_stream(events: AsyncIterator[bytes]) -> StreamingResponse:
    """Server-sent events, which no proxy should keep back."""
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return EventStream(_until_away(events), media_type="text/event-stream", headers=headers)


async def _until_away(events: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Events until the database is unavailable. An error cannot be sent in the middle of a response; the browser
    reconnects."""
    try:
        async for event in events:
            yield event
    except SQLAlchemyError as error:
        if not is_unavailable(error):
            raise
        log.warning("a stream lost the database", error=str(error))


def file(content: AsyncIterator[str], name: str, media_type: str) -> StreamingResponse:
    """A file to keep, sent as it is made."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(content, media_type=media_type, headers=headers)


def resume_point(request: Request, after: int) -> int:
    """The number of the last line that the browser has: a reconnect says it in a header, the page in its address."""
    last = request.headers.get("last-event-id", "")
    return max(after, int(last)) if last.isascii() and last.isdecimal() and len(last) < 10 else after


async def wakes(signals: Signals) -> AsyncIterator[bool]:
    """True at once and after every change; False when only time has passed. Ends when the process is to stop."""
    yield True
    while True:
        await asyncio.sleep(PACE_SECONDS)
        try:
            signal = await asyncio.wait_for(signals.get(), PING_SECONDS)
        except TimeoutError:
            yield False
            continue
        while signal is not None and not signals.empty():
            signal = signals.get_nowait()
        if signal is None:
            return
        yield True


async def watch(request: Request, portal: Portal, topic: str) -> AsyncIterator[bool]:
    """`wakes` for as long as the sign-in or token that opened the stream lasts, and the role that it was opened in."""
    was_admin = request.state.viewer.is_admin
    with portal.hub.subscribe(topic, access_topic(request.state.viewer.id)) as signals:
        async for changed in wakes(signals):
            # Each time: nothing signals that a sign-in expires, or that the settings no longer name its member.
            if not await is_still_signed_in(request, portal) or (was_admin and not request.state.viewer.is_admin):
                return
            yield changed


async def changes(request: Request, portal: Portal, topic: str) -> AsyncIterator[bytes]:
    """An event for each change after the page was read: one comes at once if a browser may have missed some."""
    is_news = has_changed(request, portal, topic)
    async for changed in watch(request, portal, topic):
        yield CHANGED if changed and is_news else PING
        is_news = True


def has_changed(request: Request, portal: Portal, topic: str) -> bool:
    """Whether a topic may have changed since the page was read that opens this stream."""
    return portal.hub.has_changed(topic, request.query_params.get("since", ""))


async def log_batches(portal: Portal, run_id: str, after: int = 0) -> AsyncIterator[list[LogLine]]:
    """The lines of a run that are there now, each batch with a short session of its own."""
    while True:
        async with portal.database.sessions() as session:
            lines = await runs.read_log(session, run_id, after=after, limit=LINES_A_BATCH)
        if lines:
            after = lines[-1].seq
            yield lines
        if len(lines) < LINES_A_BATCH:
            return
