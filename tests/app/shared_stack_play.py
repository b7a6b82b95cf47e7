"""Play the worker on the shared stack: it is there, and its pending run begins, ends well, or fails."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.models import Run, SharedStack
from app.services import runs
from app.services.context import Context
from app.services.shared import shared_stack


async def make_shared_stack(ctx: Context) -> SharedStack:
    """It exists, and lets nobody in."""
    stack = await shared_stack.find(ctx)
    stack.become_ready({}, ctx.now)
    await ctx.session.flush()
    return stack


async def pending_run(session: AsyncSession, stack: SharedStack) -> Run:
    """The one that is pending."""
    [run] = await runs.pending(session, stack.id)
    return run


async def begin(session: AsyncSession, stack: SharedStack, now: datetime) -> Run:
    """A worker applies the pending run."""
    run = await pending_run(session, stack)
    run.claim("worker", "host", now)
    stack.begin(run)
    run.begin_apply(now)
    await session.flush()
    return run


async def apply(session: AsyncSession, stack: SharedStack, now: datetime) -> Run:
    """The pending run ends well."""
    run = await begin(session, stack, now)
    stack.take(run.changes)
    stack.become_ready({}, now)
    run.succeed(now)
    await session.flush()
    return run


async def fail(session: AsyncSession, stack: SharedStack, now: datetime) -> None:
    """The pending run fails."""
    run = await begin(session, stack, now)
    run.fail("Error: it did not do", now)
    stack.become_failed()
    await session.flush()
