"""Disabling a member: out at once, keys off, nothing started any more; and all of it back."""

import asyncio

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.errors import ConflictError, RefusedError
from app.models import Member, Role, Run, RunKind, RunStatus, Workstation, WorkstationStatus
from app.services import lifecycle, runs
from app.services.keys import machine_keys, ssh_keys
from app.services.offboarding import access
from app.services.people import members, roles, sign_ins
from app.services.shared import shared_stack
from app.services.workstations import orders
from tests.parts import identity
from tests.stage import By, Stage
from tests.steps import audit_entries

pytestmark = pytest.mark.anyio
PUBLIC_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJz1Qn8uFTb9bX0p0Y0n1p0sXQ0v8Q7Yl6m0f0l3c1aB"


async def set_disabled(stage: Stage, name: str, *, is_disabled: bool, by: str = "ada") -> None:
    async with stage.acting(by) as ctx:
        member = await members.named(ctx.session, f"{name}@example.com")
        await (access.disable(ctx, member) if is_disabled else access.enable(ctx, member))


async def give_order(stage: Stage, workstation: Workstation, kind: RunKind, who: str) -> Run:
    async with stage.acting(who) as ctx:
        return await orders.request(ctx, await ctx.session.get_one(Workstation, workstation.id), kind)


@pytest.fixture
async def machine(stage: Stage) -> Workstation:
    """Grace's, which has her key."""
    return await stage.make()


async def keys_of(stage: Stage, run_id: str) -> list[str]:
    inputs = (await stage.row(Run, run_id)).inputs
    return list(inputs[runs.KEYS_INPUT])


async def test_keys_leave_by_a_run_at_once_and_come_back_by_another(stage: Stage, machine: Workstation) -> None:
    await set_disabled(stage, "grace", is_disabled=True)
    away = await stage.pending(machine.id)
    await stage.carry_out(away)
    assert ((await stage.row(Run, away)).kind, await keys_of(stage, away)) == (RunKind.REKEY, [])

    stage.clock.advance(minutes=1)
    await set_disabled(stage, "grace", is_disabled=False)
    back = await stage.pending(machine.id)
    await stage.carry_out(back)
    assert len(await keys_of(stage, back)) == 1


async def test_whoever_is_disabled_is_signed_out_and_not_let_in_by_any_account_of_that_address(
    session: AsyncSession, by: By, ada: Member, grace: Member
) -> None:
    await sign_ins.start(by(grace), address="127.0.0.1", user_agent="a test")
    await access.disable(by(ada), grace)

    assert await sign_ins.list_of(session, grace, by().now) == []
    for who in (identity("grace"), identity("grace", sub="another"), identity("grace", email="new@example.com")):
        with pytest.raises(RefusedError, match=r"grace@example\.com is disabled"):
            await members.sign_in(by(), who)
    with pytest.raises(RefusedError, match="is disabled"):
        await members.by_address(by(), "grace@example.com")
    await access.enable(by(ada), grace)
    assert await members.sign_in(by(), identity("grace")) is grace


async def test_oneself_the_last_admin_and_a_former_admin_are_refused(by: By, ada: Member, grace: Member) -> None:
    with pytest.raises(ConflictError, match="your own account"):
        await access.disable(by(ada), ada)
    with pytest.raises(ConflictError, match="only admin who can sign in"):
        await access.disable(by(), ada)
    with pytest.raises(RefusedError):
        await access.disable(by(grace), ada)
    await roles.change_role(by(ada), grace, Role.ADMIN)
    await access.disable(by(grace), ada)
    with pytest.raises(RefusedError):
        await access.disable(by(ada), grace)
    assert await members.admins(by()) == [grace]


async def test_two_admins_who_disable_each_other_leave_one(stage: Stage) -> None:
    async with stage.acting("grace"), stage.acting("ada") as ctx:
        await roles.change_role(ctx, await members.named(ctx.session, "grace@example.com"), Role.ADMIN)
    results = await asyncio.gather(
        set_disabled(stage, "grace", is_disabled=True, by="ada"),
        set_disabled(stage, "ada", is_disabled=True, by="grace"),
        return_exceptions=True,
    )

    assert [type(result) for result in results if result] == [RefusedError]


async def test_the_audit_says_so_once(session: AsyncSession, by: By, ada: Member, grace: Member) -> None:
    for _ in range(2):
        await access.disable(by(ada), grace)
    for _ in range(2):
        await access.enable(by(ada), grace)
    entries = [entry for entry in await audit_entries(session, kind="member") if entry.action != "member.join"]

    at = "2026-03-02T09:30:00+00:00"
    assert [(entry.actor, entry.action, entry.before, entry.after) for entry in entries] == [
        ("ada@example.com", "member.disable", {"disabled_at": None}, {"disabled_at": at, "sign_ins": 0}),
        ("ada@example.com", "member.enable", {"disabled_at": at}, {"disabled_at": None}),
    ]


async def test_a_queued_start_ends_and_the_keys_leave_without_it(stage: Stage, machine: Workstation) -> None:
    await stage.carry_out((await give_order(stage, machine, RunKind.STOP, "grace")).id)
    stage.clock.advance(minutes=1)
    start = await give_order(stage, machine, RunKind.START, "grace")
    await set_disabled(stage, "grace", is_disabled=True)

    assert (await stage.row(Run, start.id)).status is RunStatus.CANCELED
    assert (await stage.row(Workstation, machine.id)).status is WorkstationStatus.STOPPED
    assert (await stage.row(Run, await stage.pending(machine.id))).kind is RunKind.REKEY


@pytest.mark.parametrize(("who", "begins"), [("grace", False), ("ada", True)])
async def test_only_an_admin_starts_a_disabled_member_s_machine(
    stage: Stage, machine: Workstation, who: str, begins: bool
) -> None:
    """Asked for beside the disabling, so that nothing of it was queued by then."""
    await stage.carry_out((await give_order(stage, machine, RunKind.STOP, "grace")).id)
    await set_disabled(stage, "grace", is_disabled=True)
    await stage.carry_out(await stage.pending(machine.id))
    async with stage.database.transaction() as session:
        asker = await members.named(session, f"{who}@example.com")
        start = await orders.request(
            stage.context(session, asker), await session.get_one(Workstation, machine.id), RunKind.START
        )
    async with stage.working_on(start.id) as (ctx, run):
        assert await lifecycle.claim(ctx, run, "a-worker", "a-host") is begins
    assert (await stage.row(Run, start.id)).status is (RunStatus.PLANNING if begins else RunStatus.CANCELED)


async def test_what_was_only_asked_for_is_not_made(stage: Stage) -> None:
    requested = await stage.request()
    await set_disabled(stage, "grace", is_disabled=True)

    assert (await stage.row(Run, requested.run.id)).status is RunStatus.CANCELED
    assert (await stage.row(Workstation, requested.workstation.id)).is_destroyed


@pytest.mark.parametrize("ends_well", [True, False])
async def test_keys_of_a_machine_that_is_being_made_leave_when_its_run_ends(stage: Stage, ends_well: bool) -> None:
    requested = await stage.request()
    await stage.apply(requested.run.id)
    stage.clock.advance(minutes=1)
    await set_disabled(stage, "grace", is_disabled=True)
    await (stage.carry_out if ends_well else stage.fail)(requested.run.id)

    away = await stage.pending(requested.workstation.id)
    await stage.claim(away)
    assert ((await stage.row(Run, away)).kind, await keys_of(stage, away)) == (RunKind.REKEY, [])
    await stage.carry_out(away)
    async with stage.acting("ada") as ctx:
        [machine] = await machine_keys.of_member(ctx.session, await members.named(ctx.session, "grace@example.com"))
    assert machine.possible == {}


async def test_a_plan_that_waits_for_a_decision_keeps_no_keys_on_the_machine(
    stage: Stage, machine: Workstation
) -> None:
    run = await stage.change(machine.id, disk_size_gb=200)
    await stage.await_approval(run.id, [{"address": "disk.data", "action": "replace", "name": "dev-1-home"}])
    await set_disabled(stage, "grace", is_disabled=True)

    assert (await stage.row(Run, run.id)).status is RunStatus.CANCELED
    assert (await stage.row(Run, await stage.pending(machine.id))).kind is RunKind.REKEY


async def test_a_stop_and_what_an_admin_asked_for_go_on(stage: Stage, machine: Workstation) -> None:
    other = await stage.make("dev-2")
    stop = await give_order(stage, machine, RunKind.STOP, "grace")
    change = await stage.change(other.id, "ada", disk_size_gb=200)
    await set_disabled(stage, "grace", is_disabled=True)

    for run in (stop, change):
        assert (await stage.row(Run, run.id)).is_queued


async def test_the_shared_stack_no_longer_has_them(by: By, ada: Member, grace: Member) -> None:
    assert set((await shared_stack.people(by())).values()) == {"ada@example.com", "grace@example.com"}
    await access.disable(by(ada), grace)
    assert set((await shared_stack.people(by())).values()) == {"ada@example.com"}


async def test_keys_that_are_added_meanwhile_reach_no_machine(stage: Stage, machine: Workstation) -> None:
    await set_disabled(stage, "grace", is_disabled=True)
    away = await stage.pending(machine.id)
    async with stage.database.transaction() as session:
        grace = await members.named(session, "grace@example.com")
        await ssh_keys.add(stage.context(session, grace), "late", PUBLIC_KEY)
    await stage.carry_out(away)

    assert await keys_of(stage, away) == []
