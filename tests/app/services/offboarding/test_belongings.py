"""What somebody has who leaves: listed one by one, until nothing is left."""

import pytest

from app.models import Member, Scope, Workstation
from app.services import allowed_ips, workstations
from app.services.allowed_ips.requests import AllowedIpSpec
from app.services.context import Context
from app.services.keys import ssh_keys
from app.services.offboarding import access, belongings, handovers
from app.services.offboarding.belongings import Belongings
from app.services.people import api_tokens, members, sign_ins
from app.services.shared import leavers, shared_stack
from app.services.shared.shared_settings import SharedSettings
from tests.stage import Stage

pytestmark = pytest.mark.anyio


async def grace_s(stage: Stage) -> tuple[Context, Member, Belongings]:
    """As the admin sees it, in a session that has ended."""
    async with stage.acting("ada") as ctx:
        grace = await members.named(ctx.session, "grace@example.com")
        return ctx, grace, await belongings.of(ctx, grace)


@pytest.fixture
async def rich(stage: Stage) -> Workstation:
    """Grace's machine; she also has a disk, a key, a token, a browser, an address, and access to the shared stack."""
    await stage.make_shared_stack()
    async with stage.acting("grace") as ctx:
        await api_tokens.create(ctx, "CI", Scope.READ)
        await sign_ins.start(ctx, address="127.0.0.1", user_agent="a browser")
        await allowed_ips.request_range(ctx, AllowedIpSpec("203.0.113.7", "home"))
    chosen = SharedSettings(prefix="team", zone="europe-west4-a", member_service_accounts=True)
    async with stage.acting("ada") as ctx:
        stack = await shared_stack.find(ctx)
        run = await shared_stack.configure(ctx, stack, chosen, "The team begins")
    await stage.carry_out(run.id)
    kept = await stage.make("old")
    await stage.carry_out((await stage.destroy(kept.id)).id)
    return await stage.make()


async def test_all_that_is_theirs_is_listed(stage: Stage, rich: Workstation) -> None:
    await stage.change(rich.id, disk_size_gb=200)
    _, _, theirs = await grace_s(stage)

    assert [each.workstation.name for each in theirs.machines] == ["dev-1"]
    assert [disk.name for disk in theirs.kept_disks] == ["old"]
    assert [key.name for key in theirs.ssh_keys] == [ssh_keys.FIRST_PAIR]
    assert [token.name for token in theirs.tokens] == ["CI"]
    assert [sign_in.user_agent for sign_in in theirs.sign_ins] == ["a browser"]
    assert [entry.ip.label for entry in theirs.allowed_ips] == ["home"]
    assert [run.kind for run in theirs.runs] == ["update"]
    assert (theirs.has_access_to_shared_stack, theirs.is_iam_admin) == (True, False)
    assert not theirs.is_empty


async def test_it_ends_empty(stage: Stage, rich: Workstation) -> None:
    async with stage.acting("linus"):
        pass
    async with stage.acting("ada") as ctx:
        grace = await members.named(ctx.session, "grace@example.com")
        await access.disable(ctx, grace)
    await stage.carry_out(await stage.pending(rich.id))
    async with stage.acting("ada") as ctx:
        grace = await members.named(ctx.session, "grace@example.com")
        theirs = await belongings.of(ctx, grace)
        for token in theirs.tokens:
            await api_tokens.revoke(ctx, token)
        for entry in theirs.allowed_ips:
            await allowed_ips.remove(ctx, entry.ip)
        linus = await handovers.new_owner(ctx, "linus@example.com")
        for disk in theirs.kept_disks:
            await handovers.hand_over(ctx, disk, linus, disk.name)
        for key in theirs.ssh_keys:
            await ssh_keys.delete(ctx, key)
        run = await leavers.request_if_due(ctx)
        assert run
    stage.clock.advance(minutes=1)
    async with stage.acting("ada") as ctx:
        machine = await workstations.find(ctx.session, ctx.member, rich.id)
        destroy = await workstations.request_destroy(ctx, machine, keep_disk=False)
    for run_id in (run.id, destroy.id):
        await stage.carry_out(run_id)
    _, _, theirs = await grace_s(stage)

    assert theirs.is_empty, theirs


async def test_somebody_else_s_is_not_listed(stage: Stage, rich: Workstation) -> None:
    await stage.make("dev-9", "linus")
    async with stage.acting("linus") as ctx:
        await api_tokens.create(ctx, "other")
    _, _, theirs = await grace_s(stage)

    assert {each.workstation.name for each in theirs.machines} == {"dev-1"}
    assert [token.name for token in theirs.tokens] == ["CI"]
