"""What waits for an admin, and no longer than it does."""

import pytest

from app.services import admin_inbox, allowed_ips
from app.services.admin_inbox import AdminInbox
from app.services.allowed_ips.requests import AllowedIpSpec
from app.services.shared import shared_stack
from tests.stage import Stage

pytestmark = pytest.mark.anyio


async def inbox_of(stage: Stage) -> AdminInbox:
    async with stage.database.sessions() as session:
        return await admin_inbox.for_admins(stage.context(session))


async def test_nothing_waits_in_a_portal_that_nobody_has_used(stage: Stage) -> None:
    assert not await inbox_of(stage)


async def test_an_address_waits_from_its_ask_until_it_is_decided(stage: Stage) -> None:
    async with stage.acting("grace") as ctx:
        ip = (await allowed_ips.request_range(ctx, AllowedIpSpec("203.0.113.7", "home"))).ip
    assert (await inbox_of(stage)).allowed_ip_requests == 1
    async with stage.acting("ada") as ctx:
        await allowed_ips.refuse(ctx, await allowed_ips.find(ctx.session, ctx.member, ip.id))
    assert not await inbox_of(stage)


async def test_a_plan_of_the_shared_stack_waits_until_it_is_decided(stage: Stage) -> None:
    run = await stage.configure()
    assert not await inbox_of(stage)
    await stage.await_approval(run.id)
    plan = (await inbox_of(stage)).plan
    assert (plan and plan.id) == run.id
    await stage.discard(run.id)
    assert not await inbox_of(stage)


async def test_a_difference_waits_until_a_comparison_finds_none(stage: Stage) -> None:
    await stage.make_shared_stack()
    for drift_run_id in ("run", None):
        async with stage.acting("ada") as ctx:
            (await shared_stack.find(ctx)).become_checked(drift_run_id, ctx.now)
        assert (await inbox_of(stage)).has_drifted is (drift_run_id is not None)
