"""Checkouts: an admin takes a stack out of the portal's control, works on it with Terraform, and returns it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from pydantic import BaseModel, ConfigDict, ValidationError
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.errors import ConflictError, InvalidError, NotFoundError, RefusedError
from app.models import (
    Action,
    LogLevel,
    Member,
    Role,
    Root,
    Run,
    RunKind,
    RunStatus,
    Stack,
    StateVersion,
    Workstation,
)
from app.models.base import short_id
from app.services import audit, lifecycle, runs, workstations
from app.services.context import Context
from app.services.runs.log import LogEntry, write
from app.services.terraform import state_versions
from app.services.terraform.state_versions import State

log = structlog.get_logger()
EXPIRED = "The checkout expired before it was checked in. Manual changes were not stored."
TIME = "%Y-%m-%d %H:%M UTC"


class _Accelerator(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    type: str
    count: int


class _Variables(BaseModel):
    """The variables of the root that are also columns of a workstation's row."""

    model_config = ConfigDict(strict=True)
    zone: str
    machine_type: str
    accelerator: _Accelerator | None
    boot_image: str
    boot_snapshot: str | None
    boot_disk_size_gb: int
    disk_size_gb: int
    disk_type: str
    spot: bool
    # A checkout of an earlier release has no such variable.
    home_on_data_disk: bool = False
    disk_only: bool

    @property
    def columns(self) -> dict[str, Any]:
        """The values for the row."""
        return {
            "zone": self.zone,
            "machine_type": self.machine_type,
            "accelerator": self.accelerator.type if self.accelerator else None,
            "accelerator_count": self.accelerator.count if self.accelerator else 0,
            "image": self.boot_image,
            "snapshot": self.boot_snapshot,
            "boot_disk_size_gb": self.boot_disk_size_gb,
            "disk_size_gb": self.disk_size_gb,
            "disk_type": self.disk_type,
            "spot": self.spot,
            "home_on_data_disk": self.home_on_data_disk,
        }


async def admin(session: AsyncSession, email: str | None) -> Member:
    """The admin who works by hand: the one with this email address, or the only one. Raises RefusedError."""
    if email is None:
        admins = list(await session.scalars(select(Member).where(Member.role == Role.ADMIN)))
        if len(admins) != 1:
            raise RefusedError(f"There are {len(admins) or 'no'} admins. Name one with --as EMAIL.")
        return admins[0]
    member = await session.scalar(select(Member).where(Member.email == email.strip().lower()))
    if member is None or not member.is_admin:
        raise RefusedError(f"{email} is not an admin.")
    return member


@dataclass(frozen=True)
class CheckedOut:
    """A stack that was checked out."""

    run: Run
    state: State | None
    needed_reconcile: bool
    """Whether the stack needed reconciliation before the checkout."""


async def check_out(ctx: Context, stack_id: str, lasts: timedelta) -> CheckedOut:
    """Check a stack out. Until it is checked in or the checkout expires, no worker touches it.

    Raises NotFoundError, or ConflictError if another run of the stack is pending.
    """
    session, by = ctx.session, ctx.member
    stack = await session.get(Stack, stack_id)
    if stack is None or stack.root is not Root.WORKSTATION:
        raise NotFoundError("workstation's stack")
    others = await runs.lock(session, stack_id)
    if others:
        other = others[0]
        raise ConflictError(f"Run {other.id} ({other.kind}, {other.status}) of this stack must end first.")
    until = ctx.now + lasts
    run = lease(ctx, stack_id, await runs.last_inputs(session, stack_id), until)
    session.add(run)
    # Terraform that is run by hand may create resources without storing their state.
    needed_reconcile, stack.needs_reconcile = stack.needs_reconcile, True
    await session.flush()
    when = f"at {ctx.now.strftime(TIME)}, until {until.strftime(TIME)}"
    await write(session, run, [LogEntry(f"Checked out by {by.name} {when}.", ctx.now)])
    await runs.announce(session, run)
    await _record(ctx, Action.CHECK_OUT_STACK, run, {"until": until.strftime(TIME)})
    log.info("stack checked out", stack=stack_id, run=run.id, admin=by.email, until=until.isoformat())
    return CheckedOut(run, await state_versions.newest(session, ctx.vault, stack_id), needed_reconcile)


def lease(ctx: Context, stack_id: str, inputs: dict[str, Any], until: datetime) -> Run:
    """A run that holds the stack for the context's member until it ends or expires. No worker claims it."""
    return Run(
        id=short_id(10),
        stack_id=stack_id,
        requested_by=ctx.member.id,
        kind=RunKind.MANUAL,
        status=RunStatus.APPLYING,
        inputs=inputs,
        created_at=ctx.now,
        claimed_at=ctx.now,
        applying_at=ctx.now,
        lease_until=until,
    )


async def check_in(
    ctx: Context, run_id: str, state: State | None, inputs: dict[str, Any], *, needs_reconcile: bool
) -> str:
    """Store the state and the variables of a checkout, which ends it; returns a summary as a sentence.

    :param inputs: the variables as applied last.
    :param needs_reconcile: whether the stack needed reconciliation before the checkout.
    Raises ConflictError if the checkout has ended or the state does not follow from the stored one, InvalidError if
    variables are invalid. In these cases nothing is stored.
    """
    session = ctx.session
    checkout = await lock_checkout(session, run_id)
    run, by = checkout.run, checkout.by
    desired = _variables(inputs, run.inputs)
    known = await state_versions.newest(session, ctx.vault, run.stack_id)
    _check_successor(state, known)
    if state is not None and (known is None or state.serial > known.serial):
        await state_versions.store(session, ctx.vault, run, state, ctx.now)
        number = await session.scalar(select(func.max(StateVersion.number)).where(StateVersion.run_id == run.id))
        sentence = f"Checked in by {by.name}: state version {number}, serial {state.serial}."
    else:
        sentence = f"Checked in by {by.name}: the state is unchanged."
    for other in checkout.queued:
        other.inputs = _rebased(other.inputs, run.inputs, inputs)
    run.inputs = inputs
    await _take_over(session, run, state, desired, ctx.now)
    (await session.get_one(Stack, run.stack_id)).needs_reconcile = needs_reconcile
    await write(session, run, [LogEntry(sentence, ctx.now)])
    await lifecycle.finish(ctx, run)
    stored = {"said": sentence, "variables": desired.columns}
    await _record(ctx.acting(by), Action.CHECK_IN_STACK, run, stored)
    log.info("stack checked in", stack=run.stack_id, run=run.id, admin=by.email, serial=state.serial if state else None)
    return sentence


async def discard(ctx: Context, run_id: str, reason: str) -> None:
    """End a checkout without storing anything. The next plan looks for resources that were created meanwhile.

    Raises ConflictError if the checkout has ended.

    :param reason: a sentence for the log.
    """
    checkout = await lock_checkout(ctx.session, run_id)
    run, by = checkout.run, checkout.by
    await write(ctx.session, run, [LogEntry(reason, ctx.now, LogLevel.WARN)])
    await lifecycle.cancel(ctx, run, is_undone=True)
    await _record(ctx.acting(by), Action.GIVE_BACK_STACK, run, {"said": reason})
    log.info("checkout discarded", stack=run.stack_id, run=run.id, admin=by.email, reason=reason)


async def expire(ctx: Context, run: Run) -> None:
    """End a checkout whose time is over. The caller holds the run's row lock."""
    await write(ctx.session, run, [LogEntry(EXPIRED, ctx.now, LogLevel.ERROR)])
    await lifecycle.fail(ctx, run, EXPIRED)
    await _record(ctx, Action.EXPIRE_STACK, run, {"said": EXPIRED})
    log.warning("checkout expired", stack=run.stack_id, run=run.id)


@dataclass(frozen=True)
class Locked:
    """A checkout that is locked until this transaction ends."""

    run: Run
    by: Member
    """The admin who has checked the stack out."""
    queued: list[Run]
    """Runs that are queued behind it."""


async def lock_checkout(session: AsyncSession, run_id: str) -> Locked:
    """Lock a checkout. Raises NotFoundError if it does not exist, ConflictError if it has ended."""
    run = await session.get(Run, run_id)
    if run is None or run.kind is not RunKind.MANUAL:
        raise NotFoundError("checkout")
    pending = await runs.lock(session, run.stack_id)
    if run not in pending:
        await session.refresh(run)
        when = run.finished_at.strftime(TIME) if run.finished_at else "an unknown time"
        raise ConflictError(f"This checkout ended at {when} ({run.status}). Nothing was stored.")
    by = await session.get_one(Member, run.requested_by)
    return Locked(run, by, [other for other in pending if other is not run])


def _variables(inputs: dict[str, Any], before: dict[str, Any]) -> _Variables:
    for name in ("project", "name", "stack_id"):
        # They name the resources, so that others would be created.
        if inputs.get(name) != before.get(name):
            raise InvalidError(f"The variable {name} belongs to the portal and must stay {before.get(name)!r}.")
    if missing := sorted(before.keys() - inputs.keys()):
        raise InvalidError(f"Variables are missing in terraform.tfvars.json: {', '.join(missing)}.")
    try:
        return _Variables.model_validate(inputs)
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(str(part) for part in problem["loc"])
        raise InvalidError(f"The variable {where} is invalid: {problem['msg']}.") from None


def _check_successor(state: State | None, known: State | None) -> None:
    # The first state of a stack follows from nothing.
    if known is None:
        return
    if state is None:
        raise ConflictError("The state is missing. There was one when the stack was checked out.")
    if state.lineage != known.lineage:
        raise ConflictError(f"The state has another lineage ({state.lineage}) than the stack ({known.lineage}).")
    # It lacks changes that the portal knows of.
    if state.serial < known.serial:
        raise ConflictError(f"The state is older (serial {state.serial}) than the stored one (serial {known.serial}).")


def _rebased(spec: dict[str, Any], before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """The variables of a run that was queued during the checkout, with the values set by hand where the run changes
    nothing."""
    untouched = {name for name, value in spec.items() if name in after and value == before.get(name)}
    return {name: after[name] if name in untouched else value for name, value in spec.items()}


async def _take_over(session: AsyncSession, run: Run, state: State | None, desired: _Variables, now: datetime) -> None:
    """Update the workstation's row from the variables and the state."""
    workstation = await session.get_one(Workstation, run.stack_id, with_for_update=True)
    workstation.take(desired.columns)
    exists = state is not None and bool(state.outputs.get("instance_name"))
    if not exists:
        workstation.become_destroyed(now, disk_kept=state is not None and not state.is_empty)
        return
    # A deleted workstation that was recreated by hand needs its name again.
    other = await workstations.namesake(session, workstation) if workstation.is_destroyed else None
    if other:
        raise ConflictError(f"The owner now has another workstation named {workstation.name} ({other}).")
    workstation.take({"address": state.outputs.get("address") if state else None, "disk_kept": False})
    workstation.set_running_or_failed()


async def _record(ctx: Context, action: Action, run: Run, after: dict[str, Any]) -> None:
    name = await audit.name_of_stack(ctx.session, run.stack_id)
    audit.record(ctx, action, run.stack_id, name, after={"run": run.id, **after})
