"""How many workstations a member may have: the member's own limit, else the team's, else the one in the settings."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import and_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.errors import ConflictError, InvalidError
from app.models import Action, Member, Run, Team, Workstation, WorkstationStatus
from app.models.run_states import FINAL
from app.services import audit
from app.services.context import Context
from app.services.people import team

HIGHEST = 1000
_RULE = f"Enter a whole number from 0 to {HIGHEST:,}, or leave it empty for the default."


@dataclass(frozen=True)
class Counts:
    """Numbers of workstations."""

    workstations: int
    gpus: int
    """How many of the workstations have a GPU."""


@dataclass(frozen=True)
class Allowance:
    """A member's workstations and limits."""

    used: Counts
    limit: Counts

    @property
    def is_used_up(self) -> bool:
        """Whether no further workstation is allowed."""
        return self.used.workstations >= self.limit.workstations


@dataclass(frozen=True)
class Chosen:
    """Limits that admins have chosen. None stands for the next level: the team's or the settings'."""

    workstations: int | None
    gpus: int | None

    @classmethod
    def of(cls, row: Member | Team | None) -> "Chosen":
        """The limits in a member's or the team's row."""
        return cls(row.workstation_limit, row.gpu_workstation_limit) if row else cls(None, None)

    def above(self, counts: Counts) -> Counts:
        """These limits, with those of `counts` where none is chosen."""
        return Counts(
            counts.workstations if self.workstations is None else self.workstations,
            counts.gpus if self.gpus is None else self.gpus,
        )


class LimitReachedError(ConflictError):
    """The limit of workstations is reached."""

    code = "limit_reached"


def of_settings(ctx: Context) -> Counts:
    """The limits in the settings."""
    return Counts(ctx.settings.workstation_limit, ctx.settings.gpu_workstation_limit)


async def of_team(ctx: Context) -> Counts:
    """The limits of members without their own."""
    return (await chosen_for_team(ctx)).above(of_settings(ctx))


async def chosen_for_team(ctx: Context) -> Chosen:
    """The limits that admins have chosen for the team."""
    return Chosen.of(await ctx.session.get(Team, Team.ID))


async def of(ctx: Context, member: Member) -> Allowance:
    """A member's allowance."""
    return (await of_each(ctx, [member]))[member.id]


async def of_each(ctx: Context, members: Sequence[Member]) -> dict[str, Allowance]:
    """The allowances of several members, by ID."""
    of_others = await of_team(ctx)
    machines = await _machines(ctx, [member.id for member in members])
    return {member.id: Allowance(_count(machines[member.id]), Chosen.of(member).above(of_others)) for member in members}


async def lock(session: AsyncSession, owner: Member) -> None:
    """Lock the owner's limits until this transaction ends. Must be called before a stack is locked."""
    # A change of SSH keys also locks the member first, so that the two cannot deadlock.
    await session.refresh(owner, with_for_update={"key_share": True})


async def check(ctx: Context, owner: Member, machine_type: str, workstation: Workstation | None = None) -> None:
    """Raise LimitReachedError if the owner may have no such machine. The caller has called `lock`.

    Nothing may be queued before, because a form that shows the error commits the transaction.

    :param workstation: the workstation that changes to this type; None for a new one.
    """
    limit = Chosen.of(owner).above(await of_team(ctx))
    machines = (await _machines(ctx, [owner.id]))[owner.id]
    used = _count(machines)
    who = "You have" if owner is ctx.actor else f"{owner.email} has"
    if workstation is None and used.workstations >= limit.workstations:
        raise LimitReachedError(
            f"{who} {used.workstations} of {limit.workstations} workstations.",
            hint="Delete a workstation, or ask an admin to raise the limit.",
        )
    has_gpu = workstation is not None and machines.get(workstation.id, False)
    if _is_gpu(ctx, machine_type) and not has_gpu and used.gpus >= limit.gpus:
        sentence = f"{who} {used.gpus} of {limit.gpus} workstations with a GPU."
        raise LimitReachedError(
            sentence,
            hint="Choose a machine without a GPU, delete one that has a GPU, or ask an admin to raise the limit.",
            fields={"machine_type": sentence},
        )


async def _machines(ctx: Context, owners: Sequence[str]) -> defaultdict[str, dict[str, bool]]:
    """Owner → workstation → whether it has a GPU, or is about to get one."""
    wanted = Run.changes["machine_type"].astext
    is_to_come = and_(Run.stack_id == Workstation.id, Run.status.not_in(FINAL), Run.changes.has_key("machine_type"))
    rows = await ctx.session.execute(
        select(Workstation.owner_id, Workstation.id, Workstation.accelerator, Workstation.machine_type, wanted)
        .outerjoin(Run, is_to_come)
        .where(Workstation.owner_id.in_(owners), Workstation.status != WorkstationStatus.DESTROYED)
    )
    found: defaultdict[str, dict[str, bool]] = defaultdict(dict)
    for owner_id, workstation_id, accelerator, *machine_types in rows:
        # What the catalog no longer has may have a GPU all the same.
        has_gpu = accelerator is not None or any(_is_gpu(ctx, each) for each in machine_types if each)
        found[owner_id][workstation_id] = found[owner_id].get(workstation_id, False) or has_gpu
    return found


def _is_gpu(ctx: Context, machine_type: str) -> bool:
    offer = ctx.catalog.machine_type(machine_type)
    return bool(offer and offer.gpu)


def _count(machines: dict[str, bool]) -> Counts:
    return Counts(len(machines), sum(machines.values()))


def parse(workstations: str, gpus: str) -> Chosen:
    """Limits from text. Empty stands for the default. Raises InvalidError."""
    typed = {"workstation_limit": workstations.strip(), "gpu_workstation_limit": gpus.strip()}
    wrong = {name: _RULE for name, text in typed.items() if text and not _is_number(text)}
    if wrong:
        raise InvalidError("Fix the errors below.", fields=wrong)
    return Chosen(*(int(text) if text else None for text in typed.values()))


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= len(str(HIGHEST)) and int(text) <= HIGHEST


async def change(ctx: Context, member: Member, chosen: Chosen) -> None:
    """Set a member's limits. Existing workstations are kept."""
    before = _columns(Chosen.of(member))
    member.workstation_limit, member.gpu_workstation_limit = chosen.workstations, chosen.gpus
    _record(ctx, Action.CHANGE_MEMBER, member.id, member.email, before, _columns(chosen))


async def change_team(ctx: Context, chosen: Chosen) -> None:
    """Set the team's limits."""
    row = await team.lock(ctx.session)
    before = _columns(Chosen.of(row))
    row.workstation_limit, row.gpu_workstation_limit = chosen.workstations, chosen.gpus
    _record(ctx, Action.CHANGE_TEAM, row.id, "team", before, _columns(chosen))


def _columns(chosen: Chosen) -> dict[str, int | None]:
    return {"workstation_limit": chosen.workstations, "gpu_workstation_limit": chosen.gpus}


def _record(
    ctx: Context, action: Action, thing_id: str, name: str, before: dict[str, int | None], after: dict[str, int | None]
) -> None:
    if after != before:
        audit.record(ctx, action, thing_id, name, before, after)
