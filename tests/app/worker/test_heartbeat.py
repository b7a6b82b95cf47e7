"""The heartbeat: leases renewed while a run is executed, lost workers and lost doorbells found."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from app.models import Run, RunStatus
from app.models.run import LostClaimError
from app.services.by_hand import checkouts
from app.services.people import members
from app.worker import claim as claims
from app.worker.claim import Tools
from app.worker.heartbeat import Active, Heartbeat
from tests.app.conftest import MovingClock, identity
from tests.app.worker.conftest import run_of, spec

pytestmark = pytest.mark.anyio
S = RunStatus


async def doorbells(tools: Tools) -> list[str]:
    async with tools.database.sessions() as session:
        return list(
            await session.scalars(text("SELECT args ->> 'run_id' FROM procrastinate_jobs WHERE status = 'todo'"))
        )


async def forget_doorbells(tools: Tools) -> None:
    async with tools.database.sessions.begin() as session:
        await session.execute(text("DELETE FROM procrastinate_jobs"))


async def beat_through(heartbeat: Heartbeat, clock: MovingClock, seconds: int) -> None:
    for _ in range(seconds // 2):
        await heartbeat.beat()
        clock.advance(seconds=2)
    await heartbeat.beat()


async def test_a_run_that_is_executed_keeps_its_lease(tools: Tools, clock: MovingClock) -> None:
    _, run_id = await spec(tools)
    active = Active()
    with active.executing(run_id):
        assert await claims.take(tools, run_id)
        await beat_through(Heartbeat(tools, active), clock, 60)
    assert (await run_of(tools, run_id)).status is S.PLANNING


async def test_a_second_doorbell_does_not_cost_a_run_its_lease(tools: Tools, clock: MovingClock) -> None:
    _, run_id = await spec(tools)
    active = Active()
    with active.executing(run_id):
        assert await claims.take(tools, run_id)
        with active.executing(run_id):
            assert await claims.take(tools, run_id) is None
        await beat_through(Heartbeat(tools, active), clock, 60)
    assert (await run_of(tools, run_id)).status is S.PLANNING


async def test_a_run_that_nobody_executes_any_more_is_interrupted_and_rung_for(
    tools: Tools, clock: MovingClock
) -> None:
    _, run_id = await spec(tools)
    active = Active()
    with active.executing(run_id):
        assert await claims.take(tools, run_id)
    await forget_doorbells(tools)
    await beat_through(Heartbeat(tools, active), clock, 20)
    assert (await run_of(tools, run_id)).status is S.INTERRUPTED
    assert await doorbells(tools) == [run_id]


async def test_after_an_outage_everybody_first_has_the_time_to_renew(tools: Tools, clock: MovingClock) -> None:
    _, run_id = await spec(tools)
    assert await claims.take(tools, run_id)
    clock.advance(minutes=5)
    await Heartbeat(tools, Active()).beat()
    assert (await run_of(tools, run_id)).status is S.PLANNING


async def test_a_queued_run_whose_doorbell_was_lost_is_rung_for_once(tools: Tools, clock: MovingClock) -> None:
    _, run_id = await spec(tools)
    await forget_doorbells(tools)
    await beat_through(Heartbeat(tools, Active()), clock, 30)
    assert await doorbells(tools) == [run_id]


async def test_a_lost_claim_writes_nothing_more(tools: Tools, clock: MovingClock) -> None:
    _, run_id = await spec(tools)
    claim = await claims.take(tools, run_id)
    assert claim
    async with tools.database.sessions.begin() as session:
        (await session.get_one(Run, run_id)).interrupt(clock())
    assert await claims.take(tools, run_id)
    with pytest.raises(LostClaimError):
        await claim.log("too late")
    assert (await run_of(tools, run_id)).log_seq == 0


async def test_a_checkout_whose_time_is_over_ends_and_is_not_executed(tools: Tools, clock: MovingClock) -> None:
    workstation_id, run_id = await spec(tools)
    async with tools.database.sessions.begin() as session:
        (await session.get_one(Run, run_id)).end_canceled(clock())
        ada = await members.sign_in(session, identity("ada"), tools.settings, clock())
        taken = await checkouts.check_out(session, tools.vault, workstation_id, ada, timedelta(hours=1), clock())
    heartbeat = Heartbeat(tools, Active())
    await beat_through(heartbeat, clock, 60)
    assert (await run_of(tools, taken.run.id)).status is S.APPLYING
    clock.advance(hours=1)
    await heartbeat.beat()
    ended = await run_of(tools, taken.run.id)
    assert (ended.status, ended.error, ended.interruptions) == (S.ERRORED, checkouts.EXPIRED, 0)
    assert taken.run.id not in await doorbells(tools)
