"""The heartbeat: leases renewed while a run is executed, lost workers found."""

import shutil
import tempfile
from datetime import timedelta

import pytest

from app.models import Run, RunStatus, Worker
from app.models.run_states import LostClaimError
from app.services.by_hand import checkouts
from app.services.people import members
from app.services.runs import counts
from app.worker import claim as claims
from app.worker.claim import Tools
from app.worker.heartbeat import Heartbeat
from tests.app.worker.scripted import run_of, spec
from tests.parts import MovingClock, identity

pytestmark = pytest.mark.anyio
S = RunStatus


async def beat_through(heartbeat: Heartbeat, clock: MovingClock, seconds: int) -> None:
    for _ in range(seconds // 2):
        await heartbeat.beat()
        clock.advance(seconds=2)
    await heartbeat.beat()


async def test_a_run_that_is_executed_keeps_its_lease(tools: Tools, clock: MovingClock) -> None:
    _, run_id = await spec(tools)
    assert await claims.take(tools, run_id)
    await beat_through(Heartbeat(tools, lambda: {run_id}), clock, 60)
    assert (await run_of(tools, run_id)).status is S.PLANNING


async def test_it_says_how_much_space_its_worker_has_left(tools: Tools, clock: MovingClock) -> None:
    worker = Worker(id=tools.worker_id, host="here", pid=1, started_at=clock(), seen_at=clock())
    async with tools.database.sessions.begin() as session:
        session.add(worker)
    await Heartbeat(tools, set).beat()
    async with tools.database.sessions() as session:
        free = await counts.free_bytes_by_host(session, clock())
        assert 0 < free["here"] <= shutil.disk_usage(tempfile.gettempdir()).free + 10**9
        assert await counts.free_bytes_by_host(session, clock.advance(minutes=1)) == {}


async def test_a_run_that_nobody_executes_any_more_is_interrupted_and_can_be_claimed(
    tools: Tools, clock: MovingClock
) -> None:
    _, run_id = await spec(tools)
    assert await claims.take(tools, run_id)
    await beat_through(Heartbeat(tools, set), clock, 20)
    assert (await run_of(tools, run_id)).status is S.INTERRUPTED
    async with tools.database.sessions() as session:
        assert await claims.candidates(session, tools.host, clock()) == [run_id]
        assert await claims.candidates(session, "elsewhere", clock()) == []
        clock.advance(minutes=1)
        assert await claims.candidates(session, "elsewhere", clock()) == [run_id]


async def test_after_an_outage_everybody_first_has_the_time_to_renew(tools: Tools, clock: MovingClock) -> None:
    _, run_id = await spec(tools)
    assert await claims.take(tools, run_id)
    clock.advance(minutes=5)
    await Heartbeat(tools, set).beat()
    assert (await run_of(tools, run_id)).status is S.PLANNING


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
        ada = await members.sign_in(tools.context(session), identity("ada"))
        taken = await checkouts.check_out(tools.context(session).acting(ada), workstation_id, timedelta(hours=1))
    heartbeat = Heartbeat(tools, set)
    await beat_through(heartbeat, clock, 60)
    assert (await run_of(tools, taken.run.id)).status is S.APPLYING
    clock.advance(hours=1)
    await heartbeat.beat()
    ended = await run_of(tools, taken.run.id)
    assert (ended.status, ended.error, ended.interruptions) == (S.ERRORED, checkouts.EXPIRED, 0)
    assert await claims.take(tools, taken.run.id) is None
