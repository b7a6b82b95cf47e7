"""What the portal decides by itself, as time passes."""

import asyncio
from datetime import timedelta

import pytest

from app import origin
from app.models import Run, RunKind
from app.services import allowed_ips, runs
from app.services.allowed_ips.requests import AllowedIpSpec
from app.services.people import members
from app.services.shared import shared_stack
from app.worker import periodic
from app.worker.claim import Tools
from tests.parts import MovingClock, identity
from tests.stage import Stage
from tests.steps import audit_entries, make_shared_stack

pytestmark = pytest.mark.anyio


@pytest.fixture
async def stack_id(stage: Stage) -> str:
    return await stage.make_shared_stack()


async def pending(tools: Tools, stack_id: str) -> list[Run]:
    async with tools.database.sessions() as session:
        return await runs.pending(session, stack_id)


async def test_a_time_that_is_over_is_a_run_and_an_entry_of_the_portals_own(
    stage: Stage, tools: Tools, stack_id: str, clock: MovingClock
) -> None:
    async with tools.database.sessions.begin() as session:
        ada = await members.sign_in(tools.context(session), identity("ada"))
        spec = AllowedIpSpec("203.0.113.7", "home", clock() + timedelta(minutes=30))
        await allowed_ips.add(tools.context(session).acting(ada), ada, spec)
    await stage.carry_out(await stage.pending(stack_id))
    await periodic.do(tools)
    assert await pending(tools, stack_id) == []

    clock.advance(minutes=30)
    with origin.bound(origin.WORKER, "none"):
        await asyncio.gather(periodic.do(tools), periodic.do(tools))
    [run] = await pending(tools, stack_id)
    async with tools.database.sessions() as session:
        [entry] = await audit_entries(session, action="allowed_ip.expire")
    assert (run.kind, run.requested_by, run.changes["allowed_ips"]) == (RunKind.CONFIGURE, None, [])
    assert (entry.actor, entry.thing_name) == ("Stationmaster", "203.0.113.7/32 (home)")


async def test_the_stack_is_compared_with_google_once_a_day(
    stage: Stage, tools: Tools, stack_id: str, clock: MovingClock
) -> None:
    clock.advance(hours=23)
    await periodic.do(tools)
    assert await pending(tools, stack_id) == []
    clock.advance(hours=1)
    await periodic.do(tools)
    await periodic.do(tools)
    [run] = await pending(tools, stack_id)
    assert (run.kind, run.requested_by) == (RunKind.CHECK, None)

    await stage.carry_out(run.id)
    clock.advance(hours=23)
    await periodic.do(tools)
    assert await pending(tools, stack_id) == []


async def test_a_comparison_that_failed_is_made_again_the_next_day_and_not_the_next_minute(
    stage: Stage, tools: Tools, stack_id: str, clock: MovingClock
) -> None:
    clock.advance(days=2)
    await periodic.do(tools)
    await stage.fail(await stage.pending(stack_id))
    clock.advance(minutes=1)
    await periodic.do(tools)
    assert await pending(tools, stack_id) == []
    clock.advance(days=1)
    await periodic.do(tools)
    assert len(await pending(tools, stack_id)) == 1


async def test_no_comparison_is_made_of_what_is_not_there_or_is_being_changed(tools: Tools, clock: MovingClock) -> None:
    await periodic.do(tools)
    async with tools.database.sessions.begin() as session:
        stack = await shared_stack.find(tools.context(session))
    await periodic.do(tools)
    assert await pending(tools, stack.id) == []

    async with tools.database.sessions.begin() as session:
        ada = await members.sign_in(tools.context(session), identity("ada"))
        stack = await make_shared_stack(tools.context(session))
        spec = await shared_stack.desired(tools.context(session), stack)
        await shared_stack.request(tools.context(session).acting(ada), stack, spec)
    clock.advance(days=2)
    await periodic.do(tools)
    assert [run.kind for run in await pending(tools, stack.id)] == [RunKind.CONFIGURE]
