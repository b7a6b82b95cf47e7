"""What a worker does about a shortage of capacity: it is noted for everybody, and the run goes on elsewhere."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.infra import hints
from app.models import LogLevel, Run, Workstation
from app.models.placement import Placement
from app.services import runs
from app.services.capacity import sightings
from app.services.terraform import state_versions
from app.services.workstations import specs
from app.services.workstations.existing import Existing
from app.worker.attempt import Attempt
from app.worker.claim import Claim


async def note(claim: Claim, error: str) -> Placement | None:
    """Google has no capacity; returns what to try next, None if there is nothing else, or data would be lost."""
    has_files = await _may_have_files(claim)
    async with claim.writing() as (session, run):
        workstation = await session.get_one(Workstation, run.stack_id)
        here, now = workstation.placement, claim.tools.clock()
        await sightings.record(session, here, now, found=False)
        run.note_shortage(here, now)
        following = None if has_files else run.next_placement(hints.zones_elsewhere(error) or ())
        after = f" Trying {following} next." if following else ""
        await claim.log_in(session, run, f"Google has no capacity for {here}.{after}", LogLevel.WARN)
        return following


async def note_found(claim: Claim, session: AsyncSession, run: Run) -> None:
    """Google had a machine."""
    workstation = await session.get_one(Workstation, run.stack_id)
    await sightings.record(session, workstation.placement, claim.tools.clock(), found=True)


async def _may_have_files(claim: Claim) -> bool:
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
        workstation.take(specs.placed(workstation, placement, tools.catalog))
        account = run.inputs.get(runs.ACCOUNT_INPUT)
        inputs = specs.terraform_inputs(workstation, {}, account, tools.catalog, tools.settings)
        run.inputs = {**run.inputs, **inputs}
    return attempt.with_inputs(run.inputs)
