"""IAM admins: principals with the admin role in the Google project. As part of the shared stack, a change is a run."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.config import Settings
from app.errors import ConflictError, InvalidError, NotFoundError
from app.models import Action, Member, Run, RunKind, RunStatus, SharedStack
from app.models.run_states import FINAL
from app.services import audit, runs
from app.services.context import Context
from app.services.people import principals
from app.services.people.principals import Principal, PrincipalKind
from app.services.runs import stacks
from app.services.shared import shared_settings, shared_stack
from app.services.shared.exclusive_admins import portal_accounts

NO_LAST = "You can't remove the last IAM admin. Add another one first."
NOT_ONESELF = "You can't remove your own admin role. Ask another admin."
NOT_THE_PORTAL = "You can't remove the portal's own account. It needs the role to manage the project."


class IamAdminState(StrEnum):
    """The state of an IAM admin."""

    APPLIED = "applied"
    AWAITING_APPROVAL = "awaiting_approval"
    """The plan to add or remove it awaits approval."""
    BEING_ADDED = "being_added"
    BEING_REMOVED = "being_removed"
    NOT_APPLIED = "not_applied"
    """It was requested, but the run failed, was discarded or was canceled."""


S = IamAdminState


@dataclass(frozen=True)
class IamAdmin:
    """An IAM admin: the principal, its state, and why it cannot be removed."""

    principal: str
    """In Terraform's form, such as user:ada@example.com."""
    state: IamAdminState
    is_wanted: bool
    """Whether it is in the desired list."""
    run: Run | None = None
    """The run that changes it, or failed to."""
    kept_because: str = ""
    """Why it cannot be removed now, as a sentence; empty if it can."""

    @property
    def can_remove(self) -> bool:
        """Whether it can be removed."""
        return self.is_wanted and not self.kept_because

    @property
    def change(self) -> str:
        """What the run does, as a verb."""
        adds = self.run is not None and self.principal in _desired_in(self.run)
        return "add it" if adds else "remove it"

    @property
    def can_keep(self) -> bool:
        """Whether a pending removal can be reverted."""
        is_going = self.state in {S.BEING_REMOVED, S.AWAITING_APPROVAL} and not self.is_wanted
        return is_going and self.run is not None and self.run.kind is RunKind.CONFIGURE


async def list_of(ctx: Context, stack: SharedStack) -> list[IamAdmin]:
    """All IAM admins, with pending and failed additions and removals, in alphabetical order."""
    pending = await runs.pending(ctx.session, stack.id)
    going = next((run for run in pending if run.kind is RunKind.DESTROY and not run.is_canceling), None)
    desired = [] if going else list((await shared_stack.desired(ctx, stack)).iam_admins)
    applied = set(stack.iam_admins) if stack.exists else set()
    movers = [going] if going else [run for run in pending if run.kind is RunKind.CONFIGURE and not run.is_canceling]
    failed = None if movers else await _failed(ctx.session, stack)
    accounts = await portal_accounts(ctx)
    return [
        IamAdmin(
            name,
            *_standing(name, name in applied, name in desired, movers, failed),
            kept_because=_kept_because(name, desired, ctx.member, accounts) if name in desired else "",
        )
        for name in sorted({*applied, *desired, *(_desired_in(failed) if failed else ())})
    ]


async def has(ctx: Context, member: Member) -> bool:
    """Whether this member is an IAM admin, by the shared stack as it was last applied."""
    stack = await stacks.shared(ctx.session)
    return bool(stack and stack.exists and str(Principal(PrincipalKind.USER, member.email)) in stack.iam_admins)


def _standing(
    name: str, is_applied: bool, is_wanted: bool, movers: Sequence[Run], failed: Run | None
) -> tuple[IamAdminState, bool, Run | None]:
    if is_applied == is_wanted:
        # A removal that has begun to be applied may have come to pass at Google.
        half_done = failed and failed.has_changed_anything and is_applied != (name in _desired_in(failed))
        return (S.NOT_APPLIED, is_wanted, failed) if half_done or not is_applied else (S.APPLIED, is_wanted, None)
    mover = next((run for run in movers if (name in _desired_in(run)) == is_wanted), None)
    if mover is None:
        return S.NOT_APPLIED, is_wanted, failed
    if mover.can_approve:
        return S.AWAITING_APPROVAL, is_wanted, mover
    return (S.BEING_ADDED if is_wanted else S.BEING_REMOVED), is_wanted, mover


def _desired_in(run: Run) -> list[str]:
    """The list that a run applies; empty for one that destroys the shared stack."""
    return list(run.changes.get("iam_admins", ()))


async def _failed(session: AsyncSession, stack: SharedStack) -> Run | None:
    """The last run that ended, unless it succeeded."""
    query = select(Run).where(Run.stack_id == stack.id, Run.kind == RunKind.CONFIGURE)
    ended = query.where(Run.status.in_(FINAL - {RunStatus.SUPERSEDED})).order_by(Run.finished_at.desc()).limit(1)
    last = await session.scalar(ended)
    return last if last and not last.is_success else None


def _kept_because(name: str, desired: Sequence[str], by: Member, accounts: set[str]) -> str:
    if name == str(Principal(PrincipalKind.USER, by.email)):
        return NOT_ONESELF
    if name.partition(":")[2] in accounts:
        return NOT_THE_PORTAL
    return NO_LAST if list(desired) == [name] else ""


async def add(ctx: Context, stack: SharedStack, typed: str, *, confirm_outside: bool) -> Run:
    """Add an IAM admin with a run that awaits approval.

    Raises InvalidError if the principal is invalid, cannot have the role, or is external and not confirmed;
    ConflictError if it is in the list already.
    """
    principal = principals.parse(typed)
    if not (confirm_outside or principal.is_within(ctx.settings)):
        _require_confirmation(principal, ctx.settings)
    await shared_stack.lock(ctx.session, stack)
    spec = await shared_stack.desired(ctx, stack)
    if str(principal) in spec.iam_admins:
        taken = f"{principal} is already an IAM admin."
        raise ConflictError(taken, fields={"principal": taken})
    if problem := shared_settings.problem_of_role(spec.settings.iam_admin_role, [str(principal)]):
        raise InvalidError("Invalid principal.", fields={"principal": problem})
    after = (*spec.iam_admins, str(principal))
    return await _change(ctx, stack, spec, after, Action.ADD_IAM_ADMIN, principal)


def _require_confirmation(principal: Principal, settings: Settings) -> None:
    meant = principal.meant_domain(settings)
    hint = f"Did you mean {meant}?" if meant else "Check it, then confirm."
    sentence = f"{principal} is outside the portal's domains and the project. {hint}"
    raise InvalidError("Confirmation required.", fields={"confirm_outside": sentence})


async def remove(ctx: Context, stack: SharedStack, typed: str) -> Run:
    """Remove an IAM admin with a run that awaits approval.

    Raises NotFoundError if it is not in the list; ConflictError, with the reason, for the last one, the member
    themselves, and the portal's own account.
    """
    await shared_stack.lock(ctx.session, stack)
    spec = await shared_stack.desired(ctx, stack)
    principal = _on_the_list(typed, spec.iam_admins)
    accounts = await portal_accounts(ctx)
    reason = _kept_because(str(principal), spec.iam_admins, ctx.member, accounts)
    if reason:
        raise ConflictError(reason)
    after = tuple(name for name in spec.iam_admins if name != str(principal))
    return await _change(ctx, stack, spec, after, Action.REMOVE_IAM_ADMIN, principal)


def _on_the_list(typed: str, desired: Sequence[str]) -> Principal:
    try:
        principal = principals.parse(typed)
    except InvalidError:
        raise NotFoundError("IAM admin") from None
    if str(principal) not in desired:
        raise NotFoundError("IAM admin")
    return principal


async def _change(
    ctx: Context,
    stack: SharedStack,
    spec: shared_stack.SharedStackSpec,
    after: tuple[str, ...],
    action: Action,
    principal: Principal,
) -> Run:
    verb = "Add" if action is Action.ADD_IAM_ADMIN else "Remove"
    becoming = replace(spec, iam_admins=after)
    run = await shared_stack.request(ctx, stack, becoming, f"{verb} IAM admin {principal}")
    before, becomes = {"iam_admins": list(spec.iam_admins)}, {"iam_admins": list(after), "run": run.id}
    audit.record(ctx, action, str(principal), str(principal), before, becomes)
    return run
