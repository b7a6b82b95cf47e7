"""Handing a machine or a kept disk over to another member."""

from dataclasses import dataclass
from typing import Any

from app.errors import ConflictError, InvalidError
from app.live import member_topic, signal, stack_topic
from app.models import Action, Member, Run, Workstation, WorkstationStatus
from app.services import audit, runs, workstations
from app.services.context import Context
from app.services.people import limits, members
from app.services.workstations import specs

_BEING_MADE = {
    WorkstationStatus.REQUESTED,
    WorkstationStatus.PROVISIONING,
    WorkstationStatus.WAITING_FOR_CAPACITY,
}


@dataclass(frozen=True)
class Handover:
    """What was handed over."""

    workstation: Workstation
    run: Run | None
    """What brings the new owner's keys and labels; None for a kept disk, which has no machine."""


async def new_owner(ctx: Context, email: str) -> Member:
    """The member with this email address. Raises InvalidError, at the field `owner`, if they can have no machines."""
    found = await members.known(ctx.session, email.strip()) if email.isprintable() else None
    if found is None:
        raise _wrong("owner", "Nobody with this email address has signed in yet.")
    if not found.may_sign_in(ctx.settings):
        raise _wrong("owner", f"{found.email} cannot sign in.")
    return found


async def hand_over(ctx: Context, workstation: Workstation, to: Member, name: str) -> Handover:
    """Make a machine or a kept disk another member's, who calls it `name`; a run brings their keys and labels.

    Raises InvalidError with a sentence for each field that does not fit, ConflictError while it is being created or
    deleted, and LimitReachedError if the new owner has as many workstations as they may have.
    """
    before_owner = await ctx.session.get_one(Member, workstation.owner_id)
    for member in sorted((before_owner, to), key=lambda each: each.id):
        await limits.lock(ctx.session, member)
    pending = await runs.lock(ctx.session, workstation.id)
    await ctx.session.refresh(workstation)
    await _check(ctx, workstation, to, name)
    before = _details(workstation, before_owner)
    if workstation.is_destroyed:
        _refuse_pending(workstation, pending)
        workstation.hand_over(to, name)
        run = None
    else:
        run = await _hand_over_machine(ctx, workstation, to, name, pending)
    after = _details(workstation, to) | ({"run": run.id} if run else {})
    audit.record(ctx, Action.HAND_OVER_WORKSTATION, workstation.id, name, before, after)
    topics = [member_topic(before_owner.id), member_topic(to.id), stack_topic(workstation.id)]
    await signal(ctx.session, *topics)
    return Handover(workstation, run)


async def _check(ctx: Context, workstation: Workstation, to: Member, name: str) -> None:
    if workstation.owner_id == to.id:
        raise _wrong("owner", f"{workstation.name} is already theirs.")
    if not specs.NAME.fullmatch(name):
        raise _wrong("name", specs.NAME_RULE)
    if await workstations.named(ctx.session, to, name):
        raise _wrong("name", f"{to.email} already has a workstation named {name}. Choose another name.")


async def _hand_over_machine(ctx: Context, workstation: Workstation, to: Member, name: str, pending: list[Run]) -> Run:
    workstations.refuse_if_going(workstation, pending)
    if workstation.status in _BEING_MADE:
        raise ConflictError(
            f"{workstation.name} is being created, or waits for capacity.", hint="Hand it over once that is done."
        )
    await limits.check(ctx, to, workstation.machine_type)
    workstation.hand_over(to, name)
    await ctx.session.flush()
    return await workstations.request_again(ctx, workstation, to, pending)


def _refuse_pending(workstation: Workstation, pending: list[Run]) -> None:
    if not workstation.can_come_back:
        raise ConflictError(f"{workstation.name} has been deleted.")
    if pending:
        raise ConflictError("The disk is being deleted.", hint="Cancel that run first.")


def _details(workstation: Workstation, owner: Member) -> dict[str, Any]:
    return {"owner": owner.email, "name": workstation.name, "ssh_username": workstation.ssh_username}


def _wrong(field: str, sentence: str) -> InvalidError:
    return InvalidError("Fix the errors below.", fields={field: sentence})
