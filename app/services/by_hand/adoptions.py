"""Adoption of resources that existed before the portal: the stack is leased meanwhile, and then gets the new state."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.errors import ConflictError
from app.models import Action, Member, Run, RunKind
from app.models.base import short_id
from app.services import audit, lifecycle, runs, workstations
from app.services.by_hand import checkouts
from app.services.context import Context
from app.services.runs.log import LogEntry, write
from app.services.shared import shared_stack
from app.services.terraform import plans, state_versions
from app.services.terraform.state_versions import State
from app.services.workstations import Adopted
from app.services.workstations.specs import WorkstationSpec

LASTS = timedelta(hours=1)
REASON = "Adopt existing resources"

log = structlog.get_logger()


@dataclass(frozen=True)
class LeasedStack:
    """A stack that an adoption works on."""

    stack_id: str
    inputs: dict[str, Any]
    """Variables of the root."""
    secrets: dict[str, str] = field(default_factory=dict, repr=False)
    """Variables that are passed in the environment only, by name."""
    state: State | None = None
    run_id: str = ""


async def begin_shared(ctx: Context) -> LeasedStack:
    """Lease the shared stack. A pending change is queued again, and will be planned after the adoption.

    Raises ConflictError while a run is executing, or the stack is to be deleted.
    """
    session, until = ctx.session, ctx.now + LASTS
    stack = await shared_stack.find(ctx)
    await shared_stack.lock(session, stack)
    desired = await shared_stack.desired(ctx, stack)
    pending = await runs.pending(session, stack.id, lock=True)
    busy = next((run for run in pending if not (run.is_queued or run.can_approve)), None)
    if busy:
        raise ConflictError(f"Run {busy.id} ({busy.kind}, {busy.status}) of the shared stack must end first.")
    waiting = next((run for run in pending if run.kind is RunKind.CONFIGURE), None)
    if waiting is None:
        waiting = await shared_stack.request(ctx, stack, desired, REASON)
    run = checkouts.lease(ctx, stack.id, waiting.inputs, until)
    # Its plan would create what is adopted now.
    if waiting.can_approve:
        await _queue_again(session, waiting, ctx.now)
    session.add(run)
    await session.flush()
    message = f"{ctx.member.name} is adopting existing resources, until {until:{checkouts.TIME}}."
    await write(session, run, [LogEntry(message, ctx.now)])
    await runs.announce(session, run)
    state = await state_versions.newest(session, ctx.vault, stack.id)
    return LeasedStack(stack.id, run.inputs, shared_stack.secrets_of(stack, ctx.vault), state, run.id)


async def _queue_again(session: AsyncSession, waiting: Run, now: datetime) -> None:
    """Queue a copy of a run that awaits approval, because its plan does not include what is adopted now."""
    again = Run(
        id=short_id(10),
        stack_id=waiting.stack_id,
        requested_by=waiting.requested_by,
        kind=waiting.kind,
        inputs=waiting.inputs,
        changes=waiting.changes,
        reason=waiting.reason,
        created_at=now,
    )
    waiting.supersede(again, now)
    await plans.forget(session, waiting.id)
    await session.flush()
    session.add(again)


async def finish_shared(ctx: Context, leased: LeasedStack, state: State, adopted: list[str]) -> None:
    """Store the state with the adopted resources. Raises ConflictError if the lease has expired."""
    checkout = await checkouts.lock_checkout(ctx.session, leased.run_id)
    await _store(ctx.acting(checkout.by), checkout.run, state, adopted)


async def request_around(
    ctx: Context, leased: LeasedStack, owner: Member, spec: WorkstationSpec, adopted: Adopted, state: State
) -> Run:
    """Request a workstation around an existing disk (and address), with the state that has them.

    Raises InvalidError, or ConflictError if the owner has a workstation with that name.
    """
    requested = await workstations.request(ctx, owner, spec, adopted)
    if not requested.is_new:
        raise ConflictError(f"{owner.email} already has a workstation named {spec.name}.")
    lease = checkouts.lease(ctx, leased.stack_id, requested.run.inputs, ctx.now + LASTS)
    ctx.session.add(lease)
    await ctx.session.flush()
    await _store(ctx, lease, state, [name for name in (adopted.disk, adopted.address) if name])
    return requested.run


async def _store(ctx: Context, run: Run, state: State, adopted: list[str]) -> None:
    await state_versions.store(ctx.session, ctx.vault, run, state, ctx.now)
    await write(ctx.session, run, [LogEntry(f"Taken over: {each}", ctx.now) for each in adopted])
    await lifecycle.finish(ctx, run)
    name = await audit.name_of_stack(ctx.session, run.stack_id)
    audit.record(ctx, Action.ADOPT_STACK, run.stack_id, name, after={"run": run.id, "adopted": adopted})
    log.info("stack adopted", stack=run.stack_id, run=run.id, admin=ctx.member.email, resources=len(adopted))
