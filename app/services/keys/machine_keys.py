"""Which keys are on which machine, and the runs that bring a member's keys to all of theirs, without a rebuild."""

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
"""How long after its end a run is looked at by others than its worker: from, to."""
NEWEST_RUNS = 50
"""So many of a machine's runs are looked at: what is on it was brought by its last success, or after that."""


@dataclass(frozen=True)
class MachineKeys:
    """The keys on one machine, as its runs tell."""

    workstation: Workstation
    certain: dict[str, str]
    """On it for sure: identity → the line that it has."""
    possible: dict[str, str]
    """The same, of all that may be on it: a run that failed midway may have brought and removed them, or not."""
    desired: frozenset[str]
    """Identities of its owner's keys."""
    run: Run | None
    """What brings the keys that are wanted (once it has its turn), a restart that they come after, or what waits for a
    decision before that."""
    last: Run | None
    """Its newest run."""
    is_going: bool
    """It is being destroyed, or will be: its keys go with it."""

    @property
    def is_up_to_date(self) -> bool:
        """Exactly the owner's keys are on it."""
        return self.certain.keys() == self.possible.keys() == self.desired

    @property
    def leftover(self) -> list[str]:
        """Names of keys that are none of its owner's any more, and may still be let in."""
        return [line.split(maxsplit=2)[-1] for identity, line in self.possible.items() if identity not in self.desired]

    @property
    def will_be_up_to_date(self) -> bool:
        """It will be up to date without anybody's doing."""
        return self.run is not None and not self.run.can_approve

    @property
    def waits_for_decision(self) -> bool:
        """Its next change of keys comes once somebody has decided about a run."""
        return self.run is not None and self.run.can_approve

    @property
    def can_retry(self) -> bool:
        """Nothing will bring it up to date, unless somebody asks."""
        return self.run is None and not self.is_up_to_date and not self.is_going

    def has(self, key: SshKey) -> bool:
        """Whether this key is on it for sure."""
        return public_keys.identity(key.public_key) in self.certain

    def possibly_has(self, key: SshKey) -> bool:
        """Whether this key may be on it."""
        return public_keys.identity(key.public_key) in self.possible


async def of_member(session: AsyncSession, member: Member) -> list[MachineKeys]:
    """The keys on each machine of a member that is there or will be, by the machine's name."""
    mine = await _machines_of(session, member.id)
    desired = await _lines_of(session, member.id)
    histories = await _histories(session, [workstation.id for workstation in mine])
    return [_keys(workstation, histories[workstation.id], desired) for workstation in mine]


async def find(session: AsyncSession, member: Member, workstation_id: str) -> Workstation:
    """One of this member's machines; raises NotFoundError for anybody else's, which are not even an admin's to key."""
    found = await session.get(Workstation, workstation_id)
    if found is None or found.owner_id != member.id:
        raise NotFoundError("workstation")
    return found


async def deploy_to_all(ctx: Context, member: Member) -> list[Run]:
    """The member's keys are others now: queue what brings them to every machine, in the caller's transaction."""
    # In one order: two such changes at once wait for each other, and not crosswise.
    machines = sorted(await _machines_of(ctx.session, member.id), key=lambda machine: machine.id)
    return [run for machine in machines if (run := await deploy(ctx, machine))]


async def deploy(ctx: Context, workstation: Workstation) -> Run | None:
    """Queue what brings its owner's keys to one machine; returns the run that will, None where nothing is to be done.

    What is queued already does it by the way (`bind`), and nothing of it is superseded: whoever ends a run that does
    not calls this again. Of a machine that goes, the keys go with it.
    """
    session = ctx.session
    pending = await runs.lock(session, workstation.id)
    await session.refresh(workstation)
    lines = await _lines_of(session, workstation.owner_id)
    keys = _keys(workstation, (await _histories(session, [workstation.id]))[workstation.id], lines)
    if keys.run:
        return keys.run
    if keys.is_going or any(run.is_queued for run in pending):
        return None
    # What executes took the keys as they were when it began, even where they are right at present.
    if keys.last is None or (keys.is_up_to_date and not pending):
        return None
    stack = await session.get_one(Stack, workstation.id)
    return await runs.request(ctx, stack, RunKind.REKEY, {})


async def possibly_outdated(session: AsyncSession, now: datetime) -> list[str]:
    """Machines whose newest run has ended lately, and for which `deploy` is to be called in case nobody did.

    A worker does when a run ends; it may be lost just then. What a change of keys failed to do is not tried again.
    """
    newer = aliased(Run)
    is_newest = ~exists().where(newer.stack_id == Run.stack_id, newer.created_at > Run.created_at)
    query = select(Workstation.id).join(Run, Run.stack_id == Workstation.id)
    lately = Run.finished_at.between(now - NOTICED_FOR, now - LEFT_TO_ITS_WORKER)
    return list(await session.scalars(query.where(lately, is_newest, Run.kind != RunKind.REKEY)))


async def bind(session: AsyncSession, run: Run) -> None:
    """A worker claims this queued run: it takes the owner's keys as they are at this moment.

    A change of keys asks for nothing else, so the rest is as it was reached by then, whatever came before it; the disk
    may have grown beyond that. A destroy brings no keys: it takes all as it was applied by then, for the run before it
    may not have been claimed yet when it was asked for.
    """
    workstation = await session.get(Workstation, run.stack_id)
    if workstation is None or not run.kind.traits.uses_terraform:
        return
    if run.kind is RunKind.DESTROY:
        applied = await runs.last_inputs(session, run.stack_id)
        run.inputs = {runs.KEYS_INPUT: [], **applied, "disk_only": run.inputs["disk_only"]}
        return
    inputs = run.inputs
    if run.kind is RunKind.REKEY:
        reached = (await runs.applied(session, run.stack_id)).reached_inputs
        base = reached or await runs.last_inputs(session, run.stack_id)
        inputs = {**base, "disk_size_gb": workstation.disk_size_gb}
    run.inputs = {**inputs, runs.KEYS_INPUT: await _lines_of(session, workstation.owner_id)}


async def _machines_of(session: AsyncSession, member_id: str) -> list[Workstation]:
    query = select(Workstation).where(
        Workstation.owner_id == member_id, Workstation.status != WorkstationStatus.DESTROYED
    )
    return list(await session.scalars(query.order_by(Workstation.name)))


async def _lines_of(session: AsyncSession, member_id: str) -> list[str]:
    """The member's public keys, the oldest first."""
    query = select(SshKey.public_key).where(SshKey.member_id == member_id)
    return list(await session.scalars(query.order_by(SshKey.created_at, SshKey.id)))


async def _histories(session: AsyncSession, workstation_ids: Sequence[str]) -> dict[str, list[Run]]:
    """What each machine's keys follow from: its runs since its last success, the newest first."""
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
    """The run that is to bring what is wanted; else one on whose decision everything waits."""
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
