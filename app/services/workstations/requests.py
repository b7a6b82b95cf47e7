"""Requests about workstations: create, change, check, delete."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.errors import ConflictError, InvalidError
from app.models import Action, Member, Root, Run, RunKind, Stack, Workstation, WorkstationStatus
from app.models.base import short_id
from app.models.lifetime import end_date_problem
from app.services import audit, runs
from app.services.context import Context
from app.services.keys import ssh_keys
from app.services.keys.key_pairs import KeyPair
from app.services.people import limits, team_policy
from app.services.workstations import accounts, disk_sources, placements, queries, specs
from app.services.workstations.specs import WorkstationPatch, WorkstationSpec


@dataclass(frozen=True)
class Adopted:
    """Existing resources that a workstation is created around."""

    stack_id: str
    """The stack whose state has them."""
    disk: str
    address: str | None


@dataclass(frozen=True)
class Requested:
    """The result of a request for a workstation."""

    workstation: Workstation
    run: Run
    is_new: bool
    """False if the same workstation was already requested."""


async def request(
    ctx: Context,
    owner: Member,
    spec: WorkstationSpec,
    adopted: Adopted | None = None,
    pair: KeyPair | None = None,
) -> Requested:
    """Create a workstation for `owner`, and queue its run. A second identical request joins the first.

    Commits the context's transaction if it has to generate a key pair. Raises InvalidError, or ConflictError if the
    name is taken or the limit of workstations is reached.

    :param adopted: existing resources to use.
    :param pair: a key pair from `ssh_keys.first_pair`, for a caller whose transaction must not be committed.
    """
    _check(ctx, spec)
    source = await disk_sources.of_spec(ctx, spec)
    pair = pair or await ssh_keys.first_pair(ctx, owner)
    workstation = draft(ctx, owner, spec, adopted, source)
    await limits.lock(ctx.session, owner)
    if existing := await queries.named(ctx.session, owner, spec.name):
        return await _join(ctx.session, existing, workstation)
    for machine_type in filter(None, (spec.machine_type, spec.second_machine_type)):
        await limits.check(ctx, owner, machine_type)
    # The stack first, as the workstation's row refers to it.
    stack = Stack(id=workstation.id, root=Root.WORKSTATION, created_at=ctx.now)
    ctx.session.add(stack)
    await ctx.session.flush()
    ctx.session.add(workstation)
    await ssh_keys.claim_first(ctx, owner, pair)
    run = await runs.request(ctx, stack, RunKind.PROVISION, await _inputs(ctx, workstation, owner, {}))
    # An adopted disk stays in its zone.
    run.allow([] if adopted else placements.requested(workstation, spec, ctx.catalog))
    run.wait_hours = spec.wait_hours
    after = {"snapshot": workstation.snapshot, **specs.columns(workstation)}
    _record(ctx, Action.REQUEST_WORKSTATION, workstation, run, {}, after)
    return Requested(workstation, run, is_new=True)


def _check(ctx: Context, spec: WorkstationSpec) -> None:
    problems = specs.check(spec, ctx.catalog, ctx.settings)
    if problem := end_date_problem(spec.ends_on, ctx.now):
        problems["ends_on"] = problem
    if problems:
        raise InvalidError("Fix the errors below.", fields=problems)


async def _inputs(ctx: Context, workstation: Workstation, owner: Member, changes: dict[str, Any]) -> dict[str, Any]:
    account = await accounts.account_for(ctx, workstation, owner, changes)
    return specs.terraform_inputs(workstation, changes, account, ctx.catalog, ctx.settings)


def draft(
    ctx: Context, owner: Member, spec: WorkstationSpec, adopted: Adopted | None, disk_snapshot: str | None = None
) -> Workstation:
    """The row for a valid spec. It is not added to a session.

    :param disk_snapshot: the name of the snapshot that its data disk is made from.
    """
    machine_type = ctx.catalog.machine_type(spec.machine_type)
    if machine_type is None:
        raise LookupError(spec.machine_type)
    workstation = Workstation(
        id=adopted.stack_id if adopted else short_id(6),
        adopted_disk=adopted.disk if adopted else None,
        adopted_address=adopted.address if adopted else None,
        owner_id=owner.id,
        name=spec.name,
        status=WorkstationStatus.REQUESTED,
        machine_type=spec.machine_type,
        **specs.accelerator_columns(machine_type),
        zone=spec.zone or ctx.settings.default_zone,
        image=spec.image or ctx.catalog.default_image(machine_type).name,
        snapshot=spec.snapshot,
        disk_snapshot=disk_snapshot,
        boot_disk_size_gb=spec.boot_disk_size_gb,
        disk_size_gb=spec.disk_size_gb,
        disk_type=spec.disk_type or machine_type.disk_types[0],
        spot=spec.spot,
        home_on_data_disk=spec.home_on_data_disk,
        wait_hours=spec.wait_hours,
        ssh_username=owner.ssh_username,
        owner_label=owner.ssh_username,
        host_keys={},
        created_at=ctx.now,
    )
    workstation.set_end(spec.ends_on, ctx.now)
    return workstation


async def _join(session: AsyncSession, existing: Workstation, spec: Workstation) -> Requested:
    newest = next(reversed(await runs.pending(session, existing.id)), None)
    # If it is being changed, deleted or canceled meanwhile, it will not become what is requested here.
    if newest and newest.kind is RunKind.PROVISION and not newest.is_canceling and _is_same(existing, newest, spec):
        return Requested(existing, newest, is_new=False)
    taken = f"You already have a workstation named {spec.name}."
    raise ConflictError(
        taken, hint="Choose another name, or delete the other workstation first.", fields={"name": taken}
    )


def _is_same(existing: Workstation, run: Run, spec: Workstation) -> bool:
    return existing.has_same_spec(spec, run.requested or existing.placement)


async def desired(session: AsyncSession, workstation: Workstation) -> dict[str, Any]:
    """The settings once the pending changes are applied: column → value.

    Raises ConflictError if the machine was deleted, or is being deleted.
    """
    pending = await runs.pending(session, workstation.id)
    refuse_if_going(workstation, pending)
    return specs.columns(workstation) | _pending_changes(pending)


async def request_change(ctx: Context, workstation: Workstation, change: WorkstationPatch) -> Run:
    """Queue a change, which includes pending changes. An empty change plans the same settings again.

    The row keeps the applied settings until the run succeeds. Raises InvalidError, or ConflictError if the machine was
    deleted, is being deleted, or the owner's limit of GPUs is reached.
    """
    owner = await ctx.session.get_one(Member, workstation.owner_id)
    await limits.lock(ctx.session, owner)
    pending = await runs.lock(ctx.session, workstation.id)
    await ctx.session.refresh(workstation)
    refuse_if_going(workstation, pending)
    desired_before = specs.columns(workstation) | _pending_changes(pending)
    changes = specs.changed(workstation, _pending_changes(pending), change, ctx.catalog, ctx.settings)
    await limits.check(ctx, owner, (desired_before | changes)["machine_type"], workstation)
    run = await _request_update(ctx, workstation, owner, changes)
    action = Action.CHANGE_WORKSTATION if change.model_dump(exclude_none=True) else Action.RESTORE_WORKSTATION
    _record(ctx, action, workstation, run, desired_before, desired_before | changes)
    return run


async def request_again(ctx: Context, workstation: Workstation, owner: Member, pending: list[Run]) -> Run:
    """Queue the machine as it is to be, for an owner who is another than before: keys and labels follow.

    :param pending: its runs, locked; a change that is queued is part of this one.
    """
    return await _request_update(ctx, workstation, owner, _pending_changes(pending))


async def _request_update(ctx: Context, workstation: Workstation, owner: Member, changes: dict[str, Any]) -> Run:
    stack = await ctx.session.get_one(Stack, workstation.id)
    inputs = await _inputs(ctx, workstation, owner, changes)
    run = await runs.request(ctx, stack, RunKind.UPDATE, inputs, changes)
    run.wait_hours = workstation.wait_hours
    return run


def refuse_if_going(workstation: Workstation, pending: list[Run]) -> None:
    if workstation.is_destroyed:
        raise ConflictError(f"{workstation.name} has been deleted.", hint="Create a new workstation.")
    # A deletion that is being canceled leaves the machine, or part of it.
    if any(run.kind is RunKind.DESTROY and not run.is_canceling for run in pending):
        hint = "Cancel the deletion, or create a new workstation."
        raise ConflictError(f"{workstation.name} is being deleted.", hint=hint)
    if any(run.kind is RunKind.PROVISION and run.is_canceling for run in pending):
        hint = "Wait until this is done, then create a new workstation."
        raise ConflictError(f"The creation of {workstation.name} is being canceled.", hint=hint)


def joinable(workstation: Workstation, pending: list[Run], kind: RunKind, inputs: dict[str, Any]) -> Run | None:
    """The pending run that does the same, to be joined; None if there is none.

    Raises ConflictError if another run is queued, which a new one would supersede.
    """
    newest = pending[-1] if pending else None
    if newest and newest.kind is kind and not newest.is_canceling and inputs.items() <= newest.inputs.items():
        return newest
    if newest and newest.is_queued:
        hint = "Wait for that run to finish or cancel it first."
        raise ConflictError(f"Another run of {workstation.name} is queued.", hint=hint)
    return None


def _pending_changes(pending: list[Run]) -> dict[str, Any]:
    """The changes of the newest pending run. A run that creates the workstation has none: its settings are in the
    row."""
    changing = [run for run in pending if run.kind in {RunKind.PROVISION, RunKind.UPDATE} and not run.is_canceling]
    return changing[-1].changes if changing else {}


async def request_check(ctx: Context, workstation: Workstation) -> Run:
    """Queue a check for drift: a plan that is not applied.

    Raises ConflictError if nothing was created yet, or another run is pending.
    """
    pending = await runs.lock(ctx.session, workstation.id)
    await ctx.session.refresh(workstation)
    refuse_if_going(workstation, pending)
    if pending and pending[-1].kind is RunKind.CHECK:
        return pending[-1]
    if pending:
        raise ConflictError("A run is in progress.", hint="Check for drift when it has finished.")
    reached = (await runs.applied(ctx.session, workstation.id)).reached_inputs
    if not reached:
        raise ConflictError("Nothing was created yet, so there is nothing to compare.", hint="Retry the failed run.")
    stack = await ctx.session.get_one(Stack, workstation.id)
    account = reached.get(runs.ACCOUNT_INPUT)
    inputs = specs.terraform_inputs(workstation, {}, account, ctx.catalog, ctx.settings)
    run = await runs.request(ctx, stack, RunKind.CHECK, inputs)
    _record(ctx, Action.CHECK_WORKSTATION, workstation, run, {}, {})
    return run


async def request_destroy(
    ctx: Context, workstation: Workstation, *, keep_disk: bool, at_once: bool = False, reason: str = ""
) -> Run:
    """Queue the deletion, with or without the data disk. A second identical request joins the first.

    :param at_once: whether a deleted disk does not rest as a snapshot.
    :param reason: why, unless a person asks for it.
    """
    # The disk that was kept can still be deleted.
    if workstation.is_destroyed and not (workstation.disk_kept and not keep_disk):
        raise ConflictError(f"{workstation.name} has already been deleted.")
    stack = await ctx.session.get_one(Stack, workstation.id)
    last = await runs.last_inputs(ctx.session, stack.id)
    run = await runs.request(ctx, stack, RunKind.DESTROY, {**last, "disk_only": keep_disk}, reason=reason)
    # One that is executing may have taken its snapshot, or none.
    if run.is_queued:
        run.rest_days = 0 if at_once else (await team_policy.of_team(ctx.session)).rest_days
    after = {"keep_disk": keep_disk, **({"at_once": True} if at_once else {}), **({"reason": reason} if reason else {})}
    _record(ctx, Action.DESTROY_WORKSTATION, workstation, run, {}, after)
    return run


def _record(
    ctx: Context, action: Action, workstation: Workstation, run: Run, before: dict[str, Any], after: dict[str, Any]
) -> None:
    audit.record(ctx, action, workstation.id, workstation.name, before, {**after, "run": run.id})
