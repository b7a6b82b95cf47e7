"""The service account of a machine. Google stops a machine to change it, so it waits for a change that stops it."""

from typing import Any

from app.models import Member, Run, RunKind, Workstation
from app.services import runs
from app.services.context import Context
from app.services.runs import stacks
from app.services.shared import shared_stack
from app.services.workstations import impact, specs


async def account_for(ctx: Context, workstation: Workstation, owner: Member, changes: dict[str, Any]) -> str | None:
    """The email address of the account that the machine has or gets with these changes; None for none."""
    account = shared_stack.service_account_of(await stacks.shared(ctx.session), owner, ctx.settings)
    if impact.stops(specs.columns(workstation), changes, has_snapshot=workstation.snapshot is not None):
        return account
    reached = (await runs.applied(ctx.session, workstation.id)).reached_inputs
    found: str | None = reached.get(runs.ACCOUNT_INPUT, account)
    return found


async def bind(ctx: Context, run: Run) -> None:
    """Set the account in a change that is being claimed: the run before it may have given the machine another one."""
    workstation = await ctx.session.get(Workstation, run.stack_id)
    if workstation is None or run.kind is not RunKind.UPDATE:
        return
    owner = await ctx.session.get_one(Member, workstation.owner_id)
    run.inputs = {**run.inputs, runs.ACCOUNT_INPUT: await account_for(ctx, workstation, owner, run.changes)}
