"""What a worker does about a shortage of capacity: it is noted for everybody; the run goes on elsewhere, or waits."""

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.infra import hints
from app.models import LogLevel, Run, Workstation
from app.models.placement import Placement
from app.services import lifecycle, runs
from app.services.catalog import zone_capacities
from app.services.runs import capacity_queue
from app.services.terraform import state_versions
from app.services.workstations import disk_sources, placements, specs
from app.services.workstations.existing import Existing
from app.worker.attempt import Attempt
from app.worker.claim import Claim
from app.worker.errors import CapacityAwaitedError, StockOutError


async def choose(claim: Claim, *, can_move: bool, suggested: Collection[str] = ()) -> Placement | None:
    """What to try now: where the machine is to be, or an alternative; None if there is nothing.

    What was tried, and what others have waited for longer, is left out.
    """
    async with claim.tools.database.sessions() as session:
        run = await session.get_one(Run, claim.run_id)
        here = (await session.get_one(Workstation, run.stack_id)).placement
        reserved = await capacity_queue.reserved(session, run)
        tried = {each.placement for each in run.tried}
        options = run.placements if can_move and run.placements else [here]
        left = [each for each in options if each not in tried and each not in reserved]
        if here in left and run.has_changed_anything:
            # A worker that was lost may have got far.
            return here
        return min(left, key=lambda placement: placement.zone not in suggested, default=None)


async def is_first(claim: Claim) -> bool:
    """Whether nobody has waited longer for what a change waits for. One that does not wait yet may try: its machine
    has capacity, which it gives back."""
    async with claim.tools.database.sessions() as session:
        run = await session.get_one(Run, claim.run_id)
        return run.waiting_since is None or await capacity_queue.ahead(session, run) == 0


async def note(claim: Claim, failure: StockOutError) -> None:
    """Google has no capacity where the machine is to be."""
    async with claim.writing() as (session, run):
        workstation, now = await session.get_one(Workstation, run.stack_id), claim.tools.clock()
        # A machine that moves is to be elsewhere than its row says.
        here = Placement.read(run.inputs) if run.inputs else workstation.placement
        await zone_capacities.record(session, here, now, found=False)
        run.note_shortage(here, now, hints.zones_elsewhere(str(failure)) or ())
        await claim.log_in(session, run, f"Google has no capacity for {here}.", LogLevel.WARN)


async def note_found(claim: Claim, session: AsyncSession, run: Run) -> None:
    """Google had a machine."""
    workstation = await session.get_one(Workstation, run.stack_id)
    await zone_capacities.record(session, workstation.placement, claim.tools.clock(), found=True)


async def may_have_files(claim: Claim) -> bool:
    """Whether the data disk may have files. One that is still empty can be created elsewhere."""
    async with claim.tools.database.sessions() as session:
        run = await session.get_one(Run, claim.run_id)
        workstation = await session.get_one(Workstation, run.stack_id)
        if workstation.adopted_disk or workstation.destroyed_at or workstation.running_at:
            return True
        booted = select(Run.id).where(Run.stack_id == run.stack_id, Run.booting_at.is_not(None)).limit(1)
        state = await state_versions.newest(session, claim.tools.vault, run.stack_id)
        return Existing.in_state(state).machine or await session.scalar(booted) is not None


async def move(attempt: Attempt, placement: Placement) -> Attempt:
    """Have the run create the machine there. Nothing of it exists where it was tried before."""
    claim, tools = attempt.claim, attempt.claim.tools
    async with claim.writing() as (session, run):
        workstation = await session.get_one(Workstation, run.stack_id, with_for_update=True)
        workstation.take(placements.columns(workstation, placement, tools.catalog))
        account = run.inputs.get(runs.ACCOUNT_INPUT)
        inputs = specs.terraform_inputs(workstation, {}, account, tools.catalog, tools.settings)
        run.inputs = {**run.inputs, **inputs}
        await claim.log_in(session, run, f"Trying {placement}.")
    return attempt.with_inputs(run.inputs)


async def may_wait(claim: Claim) -> bool:
    """Whether the run waits if there is nothing left to try. A move does not: yet another zone may have capacity."""
    async with claim.tools.database.sessions() as session:
        run = await session.get_one(Run, claim.run_id)
        workstation = await session.get_one(Workstation, run.stack_id)
        return run.may_wait(claim.tools.clock()) and not disk_sources.moves(run, workstation)


async def wait(claim: Claim, failure: StockOutError | None, *, has_changed_anything: bool) -> None:
    """Have the run wait. Raises CapacityAwaitedError, or the failure if the run does not wait.

    :param failure: why nothing is left to try; None if others have waited longer.
    """
    if not await may_wait(claim):
        raise failure or StockOutError(hints.OTHERS_WAIT)
    async with claim.writing() as (session, run):
        await lifecycle.await_capacity(claim.tools.context(session), run, has_changed_anything=has_changed_anything)
        outcome = "Waiting for capacity." if run.is_waiting else "A newer request takes its place."
        await claim.log_in(session, run, outcome, LogLevel.WARN)
    raise CapacityAwaitedError
