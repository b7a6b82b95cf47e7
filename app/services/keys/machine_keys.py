"""Which SSH keys each machine accepts, and the runs that deploy a member's keys to their machines without rebuilding
them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from app.errors import NotFoundError
from app.models import Member, Run, RunKind, RunStatus, SshKey, Stack, Workstation, WorkstationStatus
from app.models.run_states import SUCCESS
from app.services import runs
from app.services.context import Context
from app.services.keys import public_keys
from app.services.runs.applied import MAKERS

LEFT_TO_ITS_WORKER, NOTICED_FOR = timedelta(seconds=30), timedelta(minutes=10)
"""When after a run's end other workers check it as well, and until when."""
NEWEST_RUNS = 50
"""How many runs of a machine are read at most. Its keys result from its last success and the runs after that."""


@dataclass(frozen=True)
class MachineKeys:
    """The SSH keys of one machine, derived from its runs."""

    workstation: Workstation
    certain: dict[str, str]
    """Keys that are on it: identity → line."""
    possible: dict[str, str]
    """Keys that may be on it, because a run that failed may or may not have deployed or removed them: identity →
    line."""
    desired: frozenset[str]
    """Identities of the owner's current keys."""
    run: Run | None
    """The pending run that deploys the owner's keys. While another one awaits approval first, that one."""
    last: Run | None
    """The newest run."""
    is_going: bool
    """Whether it is being deleted, or will be."""

    @property
    def was_made(self) -> bool:
        """Whether it ever ran. If not, Google may have a part of it, or nothing."""
        return self.workstation.running_at is not None

    @property
    def is_up_to_date(self) -> bool:
        """Whether it has exactly the owner's keys."""
        return self.was_made and self.has_what_is_desired

    @property
    def has_what_is_desired(self) -> bool:
        """Whether whatever there is of it has exactly the owner's keys."""
        return self.certain.keys() == self.possible.keys() == self.desired

    @property
    def leftover(self) -> list[str]:
        """Names of keys that may still be accepted and are not the owner's (any more)."""
        return [line.split(maxsplit=2)[-1] for identity, line in self.possible.items() if identity not in self.desired]

    @property
    def will_be_up_to_date(self) -> bool:
        """Whether a pending run will deploy the owner's keys."""
        return self.run is not None and not self.run.can_approve

    @property
    def waits_for_decision(self) -> bool:
        """Whether the deployment waits for the approval of a run."""
        return self.run is not None and self.run.can_approve

    @property
    def can_retry(self) -> bool:
        """Whether the keys must be deployed again, which no pending run does."""
        is_there = self.was_made or bool(self.leftover)
        return self.run is None and is_there and not self.has_what_is_desired and not self.is_going

    def has(self, key: SshKey) -> bool:
        """Whether the key is on it."""
        return self.was_made and public_keys.identity(key.public_key) in self.certain

    def possibly_has(self, key: SshKey) -> bool:
        """Whether the key may be on it."""
        return public_keys.identity(key.public_key) in self.possible


async def of_member(session: AsyncSession, member: Member) -> list[MachineKeys]:
    """The keys of each of the member's machines, in the order of their names."""
    mine = await _machines_of(session, member.id)
    desired = await _lines_of(session, member.id)
    histories = await _histories(session, [workstation.id for workstation in mine])
    return [_keys(workstation, histories[workstation.id], desired) for workstation in mine]


async def find(session: AsyncSession, member: Member, workstation_id: str) -> Workstation:
    """One of the member's machines. Raises NotFoundError for other members' machines, even for admins."""
    found = await session.get(Workstation, workstation_id)
    if found is None or found.owner_id != member.id:
        raise NotFoundError("workstation")
    return found


async def deploy_to_all(ctx: Context, member: Member) -> list[Run]:
    """Queue the deployment of the member's current keys to all their machines, in the caller's transaction."""
    # Always in the same order, so that two of these transactions cannot deadlock.
    machines = sorted(await _machines_of(ctx.session, member.id), key=lambda machine: machine.id)
    return [run for machine in machines if (run := await deploy(ctx, machine))]


async def deploy(ctx: Context, workstation: Workstation) -> Run | None:
    """Queue the deployment of the owner's current keys to one machine.

    Returns the run that deploys them, which may be one that is already pending; None if there is nothing to do. No
    pending run is superseded, so whoever ends one without success has to call this again.
    """
    session = ctx.session
    pending = await runs.lock(session, workstation.id)
    await session.refresh(workstation)
    lines = await _lines_of(session, workstation.owner_id)
    keys = _keys(workstation, (await _histories(session, [workstation.id]))[workstation.id], lines)
    # It takes the keys when it is claimed.
    if keys.run:
        return keys.run
    if keys.is_going or any(run.is_queued for run in pending):
        return None
    # An executing Terraform took the keys when it was claimed, and may deploy older ones than the machine has now.
    may_change = any(run.kind.traits.uses_terraform for run in pending)
    if keys.last is None or (keys.has_what_is_desired and not may_change):
        return None
    stack = await session.get_one(Stack, workstation.id)
    return await runs.request(ctx, stack, RunKind.REKEY, {})


async def possibly_outdated(session: AsyncSession, now: datetime) -> list[str]:
    """IDs of machines whose newest run ended lately, so that its worker may have failed to call `deploy`."""
    newer = aliased(Run)
    is_newest = ~exists().where(newer.stack_id == Run.stack_id, newer.created_at > Run.created_at)
    query = select(Workstation.id).join(Run, Run.stack_id == Workstation.id)
    lately = Run.finished_at.between(now - NOTICED_FOR, now - LEFT_TO_ITS_WORKER)
    # A change of keys that failed is not repeated automatically.
    return list(await session.scalars(query.where(lately, is_newest, Run.kind != RunKind.REKEY)))


async def bind(session: AsyncSession, run: Run) -> None:
    """Give a queued run that is being claimed the owner's current keys, and base it on what was applied last."""
    workstation = await session.get(Workstation, run.stack_id)
    if workstation is None or not run.kind.traits.uses_terraform:
        return
    # A deletion deploys no keys, and needs the variables of what exists.
    if run.kind is RunKind.DESTROY:
        # Now, because the run before this one may not have been claimed when the deletion was requested.
        applied = await runs.last_inputs(session, run.stack_id)
        run.inputs = {runs.KEYS_INPUT: [], **applied, "disk_only": run.inputs["disk_only"]}
        return
    inputs, only_sets = run.inputs, run.kind.traits.only_sets
    if only_sets is not None:
        # The disk may have grown since.
        reached = (await runs.applied(session, run.stack_id)).reached_inputs
        base = reached or await runs.last_inputs(session, run.stack_id)
        sizes = {"disk_size_gb": workstation.disk_size_gb, "boot_disk_size_gb": workstation.boot_disk_size_gb}
        inputs = {**base, **sizes, **{name: run.inputs[name] for name in only_sets}}
    run.inputs = {**inputs, runs.KEYS_INPUT: await _lines_of(session, workstation.owner_id)}


async def _machines_of(session: AsyncSession, member_id: str) -> list[Workstation]:
    query = select(Workstation).where(
        Workstation.owner_id == member_id, Workstation.status != WorkstationStatus.DESTROYED
    )
    return list(await session.scalars(query.order_by(Workstation.name)))


async def _lines_of(session: AsyncSession, member_id: str) -> list[str]:
    """The public keys that let the member in, the oldest first: none while they are disabled."""
    is_enabled = Member.disabled_at.is_(None)
    query = select(SshKey.public_key).join(Member).where(SshKey.member_id == member_id, is_enabled)
    return list(await session.scalars(query.order_by(SshKey.created_at, SshKey.id)))


async def _histories(session: AsyncSession, workstation_ids: Sequence[str]) -> dict[str, list[Run]]:
    """The runs that each machine's keys result from, newest first: the last success and those after it."""
    others = aliased(Run)
    last_success = select(func.max(others.created_at)).where(
        others.stack_id == Run.stack_id, others.status.in_(SUCCESS), others.kind.in_(MAKERS)
    )
    since = Run.created_at >= func.coalesce(last_success.scalar_subquery(), Run.created_at)
    newest_first = (Run.created_at.desc(), Run.id)
    place = func.row_number().over(partition_by=Run.stack_id, order_by=newest_first)
    shown = select(Run.id, place.label("place")).where(Run.stack_id.in_(workstation_ids), since)
    newest = shown.where(Run.status != RunStatus.SUPERSEDED).subquery()
    query = select(Run).join(newest, newest.c.id == Run.id).where(newest.c.place <= NEWEST_RUNS)
    found: dict[str, list[Run]] = {each: [] for each in workstation_ids}
    for run in await session.scalars(query.order_by(*newest_first)):
        found[run.stack_id].append(run)
    return found


def _keys(workstation: Workstation, history: Sequence[Run], desired: Iterable[str]) -> MachineKeys:
    pending = [run for run in history if run.is_queued or run.is_executing]
    key_sets = [_by_identity(run.inputs) for run in runs.Applied.of(history).possible]
    possible = {key: line for each in reversed(key_sets) for key, line in each.items()}
    identities = frozenset(public_keys.identity(line) for line in desired)
    return MachineKeys(
        workstation=workstation,
        # Only keys of all runs that may have been applied are certain.
        certain={key: line for key, line in possible.items() if all(key in each for each in key_sets)},
        possible=possible,
        desired=identities,
        run=_pending_deployment(pending, identities),
        last=history[0] if history else None,
        is_going=not workstation.can_change or any(_destroys(run) for run in pending),
    )


def _by_identity(inputs: dict[str, Any]) -> dict[str, str]:
    return {public_keys.identity(line): line for line in inputs.get(runs.KEYS_INPUT, [])}


def _pending_deployment(pending: Sequence[Run], desired: frozenset[str]) -> Run | None:
    """The run that deploys the desired keys, or one that awaits approval before it."""
    for run in pending:
        if run.is_queued and (run.kind.traits.takes_keys or not run.kind.traits.uses_terraform):
            return next((other for other in pending if other.can_approve), run)
        if run.is_executing and _deploys(run, desired):
            return run
    return None


def _deploys(run: Run, desired: frozenset[str]) -> bool:
    return run.kind.traits.takes_keys and not run.is_canceling and _by_identity(run.inputs).keys() == desired


def _destroys(run: Run) -> bool:
    return run.kind is RunKind.DESTROY and not run.is_canceling
