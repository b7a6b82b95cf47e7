"""Asking for a workstation, a change of it, its restart and its end: the rows and runs that follow."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.config import Settings
from app.errors import ConflictError, InvalidError
from app.infra.secrets import SecretStore
from app.models import Action, Member, Root, Run, RunKind, Stack, Workstation, WorkstationStatus
from app.models.base import short_id
from app.services import audit, runs, stacks
from app.services.catalog import Catalog
from app.services.keys import ssh_keys
from app.services.shared import shared_stack
from app.services.workstations import specs
from app.services.workstations.specs import WorkstationPatch, WorkstationSpec


@dataclass(frozen=True)
class Adopted:
    """What a workstation is built around: names at Google of what was there before the portal."""

    stack_id: str
    """In whose state it is."""
    disk: str
    address: str | None


async def request(
    session: AsyncSession,
    member: Member,
    spec: WorkstationSpec,
    catalog: Catalog,
    secrets: SecretStore,
    settings: Settings,
    now: datetime,
    by: Member | None = None,
    adopted: Adopted | None = None,
) -> tuple[Workstation, Run, bool]:
    """Write down a wish and queue its run; returns the workstation, its run, and whether they are new.

    An identical wish joins the one under way; a member without an SSH key gets a pair. Raises InvalidError, or
    ConflictError when the name is taken.

    :param by: who asks, where it is not the member whose machine it will be.
    :param adopted: what of it exists already.
    """
    by = by or member
    problems = specs.check(spec, catalog, settings)
    if problems:
        raise InvalidError("Fix the errors below.", fields=problems)
    workstation = draft(spec, member, adopted, catalog, settings, now)
    stack = await _add(session, workstation, now)
    if stack is None:
        return *await _join(session, workstation), False
    await ssh_keys.ensure_key(session, member, secrets, settings, now)
    account = shared_stack.service_account_of(await stacks.shared(session), member, settings)
    inputs = specs.terraform_inputs(workstation, {}, account, catalog, settings)
    run = await runs.request(session, stack, RunKind.PROVISION, by, inputs, now)
    after = {"zone": workstation.zone, "snapshot": workstation.snapshot, **specs.columns(workstation)}
    _record(session, by, Action.REQUEST_WORKSTATION, workstation, run, {}, after, now)
    return workstation, run, True


async def _add(session: AsyncSession, workstation: Workstation, now: datetime) -> Stack | None:
    """Make the rows; None where its owner has a workstation of that name."""
    stack = Stack(id=workstation.id, root=Root.WORKSTATION, created_at=now)
    try:
        async with session.begin_nested():
            session.add(stack)
            await session.flush()
            session.add(workstation)
    except IntegrityError:
        return None
    return stack


def draft(
    spec: WorkstationSpec,
    member: Member,
    adopted: Adopted | None,
    catalog: Catalog,
    settings: Settings,
    now: datetime,
) -> Workstation:
    """The row that a wish becomes, in no session yet. The wish fits the catalog."""
    machine_type = catalog.machine_type(spec.machine_type)
    if machine_type is None:
        raise LookupError(spec.machine_type)
    return Workstation(
        id=adopted.stack_id if adopted else short_id(6),
        adopted_disk=adopted.disk if adopted else None,
        adopted_address=adopted.address if adopted else None,
        owner_id=member.id,
        name=spec.name,
        status=WorkstationStatus.REQUESTED,
        machine_type=spec.machine_type,
        **specs.accelerator_columns(machine_type),
        zone=spec.zone or settings.default_zone,
        image=spec.image or catalog.default_image(machine_type).name,
        snapshot=spec.snapshot,
        disk_size_gb=spec.disk_size_gb,
        disk_type=spec.disk_type or machine_type.disk_types[0],
        spot=spec.spot,
        ssh_username=member.ssh_username,
        host_keys={},
        created_at=now,
    )


async def _join(session: AsyncSession, spec: Workstation) -> tuple[Workstation, Run]:
    existing = await session.scalar(
        select(Workstation)
        .where(Workstation.owner_id == spec.owner_id, Workstation.name == spec.name)
        .where(Workstation.status != WorkstationStatus.DESTROYED)
    )
    if existing:
        newest = next(reversed(await runs.pending(session, existing.id)), None)
        # With a change or a destroy queued behind its making, or that cancelled, it will not be what is asked for.
        if newest and newest.kind is RunKind.PROVISION and not newest.is_canceling and existing.has_same_spec(spec):
            return existing, newest
    taken = f"You already have a workstation named {spec.name}."
    raise ConflictError(
        taken, hint="Choose another name, or delete the other workstation first.", fields={"name": taken}
    )


async def desired(session: AsyncSession, workstation: Workstation) -> dict[str, Any]:
    """What it is to be once the pending changes are made: column → value of all that can be changed.

    Raises ConflictError where the machine is gone or about to be.
    """
    pending = await runs.pending(session, workstation.id)
    _refuse_if_going(workstation, pending)
    return specs.columns(workstation) | _pending_changes(pending)


async def request_change(
    session: AsyncSession,
    workstation: Workstation,
    member: Member,
    change: WorkstationPatch,
    catalog: Catalog,
    settings: Settings,
    now: datetime,
) -> Run:
    """Queue a change, on top of those that are pending; without any, the same wish is planned again.

    The row goes on to say what is: the run carries what becomes of it. Raises InvalidError, or ConflictError where the
    machine is gone or about to be.
    """
    pending = await runs.lock(session, workstation.id)
    await session.refresh(workstation)
    _refuse_if_going(workstation, pending)
    desired_before = specs.columns(workstation) | _pending_changes(pending)
    changes = specs.changed(workstation, _pending_changes(pending), change, catalog, settings)
    owner = await session.get_one(Member, workstation.owner_id)
    account = shared_stack.service_account_of(await stacks.shared(session), owner, settings)
    inputs = specs.terraform_inputs(workstation, changes, account, catalog, settings)
    stack = await session.get_one(Stack, workstation.id)
    run = await runs.request(session, stack, RunKind.UPDATE, member, inputs, now, changes)
    action = Action.CHANGE_WORKSTATION if change.model_dump(exclude_none=True) else Action.CHECK_WORKSTATION
    _record(session, member, action, workstation, run, desired_before, desired_before | changes, now)
    return run


def _refuse_if_going(workstation: Workstation, pending: list[Run]) -> None:
    if workstation.is_destroyed:
        raise ConflictError(f"{workstation.name} has been deleted.", hint="Create a new workstation.")
    if any(run.kind is RunKind.DESTROY and not run.is_canceling for run in pending):
        hint = "Cancel the deletion, or create a new workstation."
        raise ConflictError(f"{workstation.name} is being deleted.", hint=hint)
    if any(run.kind is RunKind.PROVISION and run.is_canceling for run in pending):
        hint = "Wait until this is done, then create a new workstation."
        raise ConflictError(f"The creation of {workstation.name} is being canceled.", hint=hint)


def _pending_changes(pending: list[Run]) -> dict[str, Any]:
    """What the newest wish still to be fulfilled changes. That of a provision is the row itself."""
    wishes_to_come = [
        run for run in pending if run.kind in {RunKind.PROVISION, RunKind.UPDATE} and not run.is_canceling
    ]
    return wishes_to_come[-1].changes if wishes_to_come else {}


async def request_restart(
    session: AsyncSession, workstation: Workstation, member: Member, now: datetime, *, again: Run | None = None
) -> Run:
    """Queue a press of its reset button; one that is under way is joined.

    :param again: a restart that ended without success: with nothing after it, it is what the machine failed by.
    Raises ConflictError where there is no machine to restart, or something else is to be done with it first.
    """
    pending = await runs.lock(session, workstation.id)
    await session.refresh(workstation)
    _refuse_if_going(workstation, pending)
    under_way = next((run for run in pending if run.kind is RunKind.RESTART and not run.is_canceling), None)
    if under_way:
        return under_way
    if pending:
        hint = "Wait for that run to finish or cancel it, then restart."
        raise ConflictError(f"Another run of {workstation.name} comes first.", hint=hint)
    newest = (await runs.newest_ids(session, [workstation.id])).get(workstation.id)
    if not (workstation.can_restart or (again and again.id == newest)):
        raise ConflictError(f"{workstation.name} is not running.", hint="Retry the failed run, or check for drift.")
    stack = await session.get_one(Stack, workstation.id)
    run = await runs.request(session, stack, RunKind.RESTART, member, {}, now)
    _record(session, member, Action.RESTART_WORKSTATION, workstation, run, {}, {}, now)
    return run


async def request_destroy(
    session: AsyncSession, workstation: Workstation, member: Member, now: datetime, *, keep_disk: bool
) -> Run:
    """Queue its destruction, with or without the data disk; an identical wish joins the one under way."""
    if workstation.is_destroyed and not (workstation.disk_kept and not keep_disk):
        raise ConflictError(f"{workstation.name} has already been deleted.")
    stack = await session.get_one(Stack, workstation.id)
    last = await runs.last_inputs(session, stack.id)
    run = await runs.request(session, stack, RunKind.DESTROY, member, {**last, "disk_only": keep_disk}, now)
    _record(session, member, Action.DESTROY_WORKSTATION, workstation, run, {}, {"keep_disk": keep_disk}, now)
    return run


def _record(
    session: AsyncSession,
    by: Member,
    action: Action,
    workstation: Workstation,
    run: Run,
    before: dict[str, Any],
    after: dict[str, Any],
    now: datetime,
) -> None:
    audit.record(session, by, action, workstation.id, workstation.name, before, {**after, "run": run.id}, now=now)
