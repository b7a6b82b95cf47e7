"""Actions on many workstations survive their worker, and nothing is done twice."""

import asyncio

import pytest
from sqlalchemy import func, select, text

from app.models import BulkItem, BulkVerb, Run, RunKind
from app.queue import CARRY_OUT_BULK_ACTION
from app.services.workstations import bulk
from app.worker import bulk_actions, jobs, periodic
from app.worker.claim import Tools
from tests.stage import Stage

pytestmark = pytest.mark.anyio
MACHINES = 6


async def requested(stage: Stage) -> str:
    ids = [(await stage.make(f"dev-{number}")).id for number in range(MACHINES)]
    async with stage.acting("ada") as ctx:
        return (await bulk.request(ctx, BulkVerb.STOP, ids)).id


async def stops(tools: Tools) -> int:
    async with tools.database.sessions() as session:
        return await session.scalar(select(func.count()).where(Run.kind == RunKind.STOP)) or 0


async def waiting(tools: Tools) -> int:
    async with tools.database.sessions() as session:
        return await session.scalar(select(func.count()).where(BulkItem.done_at.is_(None))) or 0


async def queued(tools: Tools) -> int:
    async with tools.database.sessions() as session:
        jobs = select(func.count()).select_from(text("procrastinate_jobs"))
        about = text(f"status = 'todo' AND task_name = '{CARRY_OUT_BULK_ACTION}'")
        return await session.scalar(jobs.where(about)) or 0


async def test_a_queued_job_does_it(stage: Stage, tools: Tools) -> None:
    await requested(stage)
    async with jobs.of_worker(tools).open_async() as queue:
        running = asyncio.create_task(jobs.run_for_ever(queue, tools.database))
        async with asyncio.timeout(30):
            while await waiting(tools):
                assert not running.done()
                await asyncio.sleep(0.05)
        running.cancel()
        await asyncio.wait({running})
    assert await stops(tools) == MACHINES


async def test_two_workers_at_once_do_each_only_once(stage: Stage, tools: Tools) -> None:
    action_id = await requested(stage)
    await asyncio.gather(bulk_actions.carry_out(tools, action_id), bulk_actions.carry_out(tools, action_id))
    assert (await stops(tools), await waiting(tools)) == (MACHINES, 0)


async def test_what_a_lost_worker_left_is_done_once_nobody_goes_on_with_it(stage: Stage, tools: Tools) -> None:
    action_id = await requested(stage)
    async with tools.database.sessions.begin() as session:
        await bulk.request_next(tools.context(session), action_id)
    async with tools.database.sessions() as session:
        # It is lost in the middle of the second one.
        await bulk.request_next(tools.context(session), action_id)
        await session.rollback()
    async with tools.database.sessions.begin() as session:
        await session.execute(text("DELETE FROM procrastinate_jobs"))
    assert (await stops(tools), await waiting(tools)) == (1, MACHINES - 1)
    await periodic.do(tools)
    assert await queued(tools) == 0
    stage.clock.advance(minutes=1)
    await periodic.do(tools)
    await periodic.do(tools)
    assert await queued(tools) == 1
    await bulk_actions.carry_out(tools, action_id)
    assert (await stops(tools), await waiting(tools)) == (MACHINES, 0)
    stage.clock.advance(minutes=1)
    await periodic.do(tools)
    assert (await stops(tools), await queued(tools)) == (MACHINES, 1)
