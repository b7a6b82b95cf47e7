"""The shared stack: its desired settings, and the runs that apply them."""

import json
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from app.config import Settings
from app.crypto import Vault, new_secret
from app.errors import ConflictError, InvalidError, NotFoundError
from app.models import Action, AllowedIp, AllowedIpStatus, Member, Root, Run, RunKind, RunStatus, SharedStack, Stack
from app.services import audit, runs
from app.services.context import Context
from app.services.runs import stacks
from app.services.shared import exclusive_admins, shared_settings
from app.services.shared.shared_settings import SharedSettings

SECRETS = ("sql_password", "mlflow_admin_password", "mlflow_member_password", "mlflow_secret_key")
"""Passwords that the portal generates once, and passes to Terraform only in its environment."""
LONGEST_REASON = 200
HISTORY = 50
CHECKED_EVERY = timedelta(days=1)
"""How long after a check for drift the portal starts another one."""

log = structlog.get_logger()


@dataclass(frozen=True)
class SharedStackSpec:
    """The desired state of the shared stack."""

    settings: SharedSettings
    iam_admins: tuple[str, ...] = ()
    # Allowed IPs are not part of it: `request` adds those that are approved by then.

    @property
    def changes(self) -> dict[str, Any]:
        """The values by column, for the run and, after its success, the row."""
        return {"settings": self.settings.model_dump(), "iam_admins": list(self.iam_admins)}


async def find(ctx: Context) -> SharedStack:
    """The project's shared stack. Its row is created the first time, with generated passwords."""
    session = ctx.session
    found = await stacks.shared(session)
    if found:
        return found
    try:
        async with session.begin_nested():
            stack = Stack(root=Root.SHARED, created_at=ctx.now)
            session.add(stack)
            await session.flush()
            secrets = {name: new_secret() for name in SECRETS}
            sealed = ctx.vault.seal(json.dumps(secrets).encode())
            session.add(SharedStack(id=stack.id, sealed_secrets=sealed))
    except IntegrityError:
        log.info("the shared stack was made by another request meanwhile")
    return (await session.scalars(select(SharedStack))).one()


def secrets_of(stack: SharedStack, vault: Vault) -> dict[str, str]:
    """The stack's passwords, by the name of their Terraform variable."""
    return dict(json.loads(vault.open(stack.sealed_secrets)))


async def desired(ctx: Context, stack: SharedStack) -> SharedStackSpec:
    """The state once pending runs have succeeded. Raises ConflictError while it is being deleted."""
    pending = await runs.pending(ctx.session, stack.id)
    if any(run.kind is RunKind.DESTROY and not run.is_canceling for run in pending):
        raise ConflictError("The shared stack is being deleted.", hint="Discard or cancel that run first.")
    configuring = [run for run in pending if run.kind is RunKind.CONFIGURE and not run.is_canceling]
    return _spec(configuring[-1].changes if configuring else _as_it_is(stack), stack, ctx.settings)


def _as_it_is(stack: SharedStack) -> dict[str, Any]:
    return {"settings": stack.settings, "iam_admins": stack.iam_admins}


def _spec(changes: dict[str, Any], stack: SharedStack, settings: Settings) -> SharedStackSpec:
    chosen = shared_settings.stored(changes["settings"], shared_settings.of(stack, settings))
    return SharedStackSpec(chosen, tuple(changes["iam_admins"]))


async def lock(session: AsyncSession, stack: SharedStack) -> None:
    """Lock the stack before changing its desired state, so that concurrent changes do not overwrite each other."""
    await runs.lock(session, stack.id)
    await session.refresh(stack)


async def request(ctx: Context, stack: SharedStack, spec: SharedStackSpec, reason: str = "") -> Run:
    """Queue a run that applies the desired state and all IPs that are approved now. The caller has locked the stack.

    It replaces runs that are queued or await approval, and includes what they would have applied.

    :param reason: a sentence for the history.
    """
    session = ctx.session
    ips = await desired_ips(ctx)
    changes = {**spec.changes, "allowed_ips": [ip.id for ip in ips]}
    members = await people(ctx)
    cidrs = [ip.cidr for ip in ips]
    inputs = shared_settings.terraform_inputs(spec.settings, stack, spec.iam_admins, cidrs, members, ctx.settings)
    waiting = [run for run in await runs.pending(session, stack.id) if run.is_queued or run.can_approve]
    reasons = [run.reason for run in waiting if run.kind is RunKind.CONFIGURE and run.reason]
    all_reasons = " · ".join(dict.fromkeys([*reasons, reason] if reason else reasons))
    root = await session.get_one(Stack, stack.id)
    return await runs.request(ctx, root, RunKind.CONFIGURE, inputs, changes, reason=all_reasons)


async def desired_ips(ctx: Context) -> list[AllowedIp]:
    """The allowed IPs that the firewall should allow."""
    approved = AllowedIp.status == AllowedIpStatus.APPROVED
    query = select(AllowedIp).where(approved).options(joinedload(AllowedIp.owner))
    found = await ctx.session.scalars(query.order_by(AllowedIp.id))
    return [ip for ip in found if ip.is_desired(ctx.now, ctx.settings)]


async def people(ctx: Context) -> dict[str, str]:
    """Everybody who may sign in: name in the shared stack → email address."""
    found = await ctx.session.scalars(select(Member).order_by(Member.email))
    return {member.account_name: member.email for member in found if member.may_sign_in(ctx.settings)}


async def configure(ctx: Context, stack: SharedStack, chosen: SharedSettings, reason: str) -> Run:
    """Change its settings. Raises InvalidError if a setting or the reason is invalid."""
    if len(reason) > LONGEST_REASON or not reason.isprintable():
        told = f"Use at most {LONGEST_REASON} printable characters."
        raise InvalidError("Fix the errors below.", fields={"reason": told})
    await lock(ctx.session, stack)
    if chosen.zone not in ctx.catalog.zones:
        raise InvalidError("Fix the errors below.", fields={"zone": "This zone is not available."})
    before = await desired(ctx, stack)
    await _check_role(ctx, chosen, before)
    run = await request(ctx, stack, replace(before, settings=chosen), reason)
    _record(ctx, Action.CONFIGURE_SHARED_STACK, stack, before.settings, chosen)
    return run


async def roll_back(ctx: Context, stack: SharedStack, to: Run) -> Run:
    """Queue a rollback to the settings of an earlier run. IAM admins and allowed IPs keep their desired state.

    Raises InvalidError if today's IAM admins cannot have the earlier role, or others must not lose it.
    """
    await lock(ctx.session, stack)
    if to.stack_id != stack.id or to.kind is not RunKind.CONFIGURE:
        raise NotFoundError("run")
    earlier = _spec(to.changes, stack, ctx.settings).settings
    before = await desired(ctx, stack)
    await _check_role(ctx, earlier, before)
    reason = f"Roll back to {to.created_at:%-d %b %Y, %H:%M} UTC"
    run = await request(ctx, stack, replace(before, settings=earlier), reason)
    _record(ctx, Action.ROLL_BACK_SHARED_STACK, stack, before.settings, earlier)
    return run


async def _check_role(ctx: Context, chosen: SharedSettings, before: SharedStackSpec) -> None:
    if fields := await _problems_of_role(ctx, chosen, before):
        raise InvalidError("Fix the errors below.", fields=fields)


async def _problems_of_role(ctx: Context, chosen: SharedSettings, before: SharedStackSpec) -> dict[str, str]:
    """Why IAM admins or the portal's accounts prevent these settings, by setting."""
    problems = {
        "iam_admin_role": shared_settings.problem_of_role(chosen.iam_admin_role, before.iam_admins),
        "authoritative_admins": await exclusive_admins.problem(ctx, before.settings, chosen, before.iam_admins),
    }
    return {name: problem for name, problem in problems.items() if problem}


def _record(ctx: Context, action: Action, stack: SharedStack, before: SharedSettings, after: SharedSettings) -> None:
    audit.record(ctx, action, stack.id, stack.name, before.model_dump(), after.model_dump())


async def check(ctx: Context, stack: SharedStack) -> Run:
    """Queue a check for drift: a plan that is not applied.

    Raises ConflictError if the stack is not deployed, or another run is pending.
    """
    pending = await runs.lock(ctx.session, stack.id)
    if pending and pending[-1].kind is RunKind.CHECK:
        return pending[-1]
    if pending:
        raise ConflictError("Another run is in progress.", hint="Check for drift when it has finished.")
    if not stack.exists:
        raise ConflictError("The shared stack is not deployed.")
    root = await ctx.session.get_one(Stack, stack.id)
    inputs = await runs.last_inputs(ctx.session, stack.id)
    audit.record(ctx, Action.CHECK_SHARED_STACK, stack.id, stack.name)
    return await runs.request(ctx, root, RunKind.CHECK, inputs)


async def check_if_due(ctx: Context) -> Run | None:
    """Queue a check for drift once a day, however the last one ended."""
    session, now = ctx.session, ctx.now
    stack = await stacks.shared(session)
    if stack is None or not stack.exists or (stack.checked_at and now - stack.checked_at < CHECKED_EVERY):
        return None
    if await runs.pending(session, stack.id):
        return None
    lately = Run.created_at > now - CHECKED_EVERY
    checks = select(Run.id).where(Run.stack_id == stack.id, Run.kind == RunKind.CHECK, lately)
    if await session.scalar(checks.limit(1)):
        return None
    await lock(session, stack)
    return None if await runs.pending(session, stack.id) else await check(ctx, stack)


async def request_again(ctx: Context, run: Run) -> Run:
    """Queue the settings of an earlier run again, with the current members and IPs."""
    stack = await ctx.session.get_one(SharedStack, run.stack_id)
    if run.kind is RunKind.CHECK:
        return await check(ctx, stack)
    await lock(ctx.session, stack)
    spec = _spec(run.changes, stack, ctx.settings)
    applied = replace(spec, settings=shared_settings.of(stack, ctx.settings))
    if problems := await _problems_of_role(ctx, spec.settings, applied):
        raise ConflictError(" ".join(problems.values()))
    return await request(ctx, stack, spec, run.reason)


async def request_destroy(ctx: Context, stack: SharedStack) -> Run:
    """Queue its deletion, which requires approval. Raises ConflictError if it is not deployed."""
    await lock(ctx.session, stack)
    if stack.rejects(RunKind.DESTROY):
        raise ConflictError("The shared stack is not deployed.")
    root = await ctx.session.get_one(Stack, stack.id)
    inputs = await runs.last_inputs(ctx.session, stack.id)
    audit.record(ctx, Action.DESTROY_SHARED_STACK, stack.id, stack.name)
    return await runs.request(ctx, root, RunKind.DESTROY, inputs)


async def history(session: AsyncSession, stack: SharedStack) -> list[Run]:
    """Runs that have applied settings, newest first."""
    query = (
        select(Run)
        .where(Run.stack_id == stack.id, Run.kind == RunKind.CONFIGURE, Run.status == RunStatus.APPLIED)
        .options(joinedload(Run.requester))
        .order_by(Run.finished_at.desc())
    )
    return list(await session.scalars(query.limit(HISTORY)))


def service_account_of(stack: SharedStack | None, member: Member, settings: Settings) -> str | None:
    """The service account of a member's workstations: their own, the shared one, or the one in the settings."""
    outputs = stack.outputs if stack else {}
    own = (outputs.get("member_service_account_emails") or {}).get(member.account_name)
    return own or outputs.get("workstation_service_account_email") or settings.service_account_email
