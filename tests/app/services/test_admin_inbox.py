"""What waits for an admin, and no longer than it does."""

import pytest

from app.models import SharedStack
from app.services import admin_inbox, allowed_ips
from app.services.admin_inbox import AdminInbox
from app.services.runs import stacks
from tests.app.services.allowed_ips.test_decisions import HOME
from tests.app.services.shared.test_shared_stack import Play
from tests.app.services.shared.test_shared_stack import play as play
from tests.stage import Stage

pytestmark = pytest.mark.anyio


async def inbox_of(play: Play) -> AdminInbox:
    async with play.database.sessions() as session:
        return await admin_inbox.for_admins(session, play.clock())


async def test_nothing_waits_in_a_portal_that_nobody_has_used(play: Play) -> None:
    assert not await inbox_of(play)


async def test_an_address_waits_from_its_ask_until_it_is_decided(stage: Stage, play: Play) -> None:
    async with play.database.sessions.begin() as session:
        ada = await session.merge(await play.ada())
        ip = (await allowed_ips.ask(stage.context(session, ada), HOME)).ip
    assert (await inbox_of(play)).allowed_ip_requests == 1
    async with play.database.sessions.begin() as session:
        await allowed_ips.refuse(stage.context(session, await session.merge(ada)), await session.merge(ip))
    assert not await inbox_of(play)


async def test_a_plan_of_the_shared_stack_waits_until_it_is_decided(play: Play) -> None:
    run = await play.configure()
    assert not await inbox_of(play)
    await play.plan(run)
    plan = (await inbox_of(play)).plan
    assert (plan and plan.id) == run.id
    await play.discard(run)
    assert not await inbox_of(play)


async def test_a_difference_waits_until_a_comparison_finds_none(play: Play) -> None:
    await play.apply(await play.configure())
    for drift_run_id in ("run", None):
        async with play.database.sessions.begin() as session:
            stack = await stacks.shared(session)
            assert isinstance(stack, SharedStack)
            stack.become_checked(drift_run_id, play.clock())
        assert (await inbox_of(play)).has_drifted is (drift_run_id is not None)
