"""Orders to Google about a workstation's machine: start, stop, restart."""

from app.errors import ConflictError
from app.models import Action, Run, RunKind, Stack, Workstation
from app.models.run_kinds import ORDERS
from app.services import audit, runs
from app.services.context import Context
from app.services.workstations.requests import refuse_if_going

_AFTER = {RunKind.STOP: RunKind.START, RunKind.SUSPEND: RunKind.RESUME}
"""What can be asked for while a run of this kind is under way; a machine is on after all others, and can be stopped."""


async def request(
    ctx: Context, workstation: Workstation, kind: RunKind, *, again: Run | None = None, reason: str = ""
) -> Run:
    """Queue an order, or join a pending one of the same kind.

    :param again: a failed run of this kind, which can be retried if it is the newest.
    :param reason: why, unless a person asks for it.
    Raises ConflictError if the machine's status does not allow the order, or another run must come first.
    """
    pending = await runs.lock(ctx.session, workstation.id)
    await ctx.session.refresh(workstation)
    refuse_if_going(workstation, pending)
    if kind.traits.gives_machine and workstation.has_ended(ctx.now):
        raise ConflictError(f"The end date of {workstation.name} has passed.", hint="Extend it first.")
    newest = pending[-1] if pending else None
    if newest and newest.kind is kind and not newest.is_canceling:
        return newest
    # An order would supersede that run.
    if any(run.is_queued and run.kind not in ORDERS for run in pending):
        hint = "Wait for that run to finish or cancel it first."
        raise ConflictError(f"Another run of {workstation.name} is queued.", hint=hint)
    # While a run executes, the state that it leads to counts: a machine that is starting can be stopped.
    is_next = _can_follow(newest, kind) if newest else await _can(ctx, workstation, kind, again)
    if not is_next:
        label, status = kind.traits.label.lower(), workstation.status.replace("_", " ")
        raise ConflictError(
            f"{workstation.name} cannot {label} while it is {status}.", hint="Retry the failed run, or check for drift."
        )
    stack = await ctx.session.get_one(Stack, workstation.id)
    run = await runs.request(ctx, stack, kind, {}, reason=reason)
    run.wait_hours = workstation.wait_hours
    after = {"run": run.id, "reason": reason} if reason else {"run": run.id}
    audit.record(ctx, Action[f"{kind.name}_WORKSTATION"], workstation.id, workstation.name, after=after)
    return run


def _can_follow(under_way: Run, kind: RunKind) -> bool:
    """Whether the order is possible after the executing run: a start after a stop, a stop after anything else."""
    return kind is _AFTER.get(under_way.kind, RunKind.STOP)


async def _can(ctx: Context, workstation: Workstation, kind: RunKind, again: Run | None) -> bool:
    newest = (await runs.newest_ids(ctx.session, [workstation.id])).get(workstation.id)
    return workstation.can(kind) or bool(again and again.id == newest)
