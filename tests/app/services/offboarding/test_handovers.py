"""Handing over: whose it is, what it is called, who gets in, and what is refused."""

import pytest

from app.errors import ConflictError, InvalidError
from app.models import Run, RunKind, Workstation
from app.services import runs, workstations
from app.services.keys import ssh_keys
from app.services.offboarding import handovers
from app.services.offboarding.handovers import Handover
from app.services.people import limits, members
from app.services.people.limits import Chosen, LimitReachedError
from app.services.workstations import kept_disks
from app.services.workstations.kept_disks import MachineSpec
from tests.stage import Stage
from tests.steps import audit_entries

pytestmark = pytest.mark.anyio


async def hand_over(stage: Stage, workstation: Workstation, to: str = "linus", name: str = "") -> Handover:
    stage.clock.advance(minutes=1)
    async with stage.acting("ada") as ctx:
        found = await workstations.find(ctx.session, ctx.member, workstation.id)
        owner = await handovers.new_owner(ctx, f"{to}@example.com")
        return await handovers.hand_over(ctx, found, owner, name or found.name)


@pytest.fixture
async def machine(stage: Stage) -> Workstation:
    """Grace's, which runs; Linus has signed in, and has a key."""
    async with stage.acting("linus") as ctx:
        await ssh_keys.generate(ctx, "laptop")
    return await stage.make()


@pytest.fixture
async def disk(stage: Stage, machine: Workstation) -> Workstation:
    """Grace's, of a machine that was deleted."""
    await stage.carry_out((await stage.destroy(machine.id)).id)
    return machine


async def test_a_machine_gets_the_new_owner_s_keys_and_label_by_a_run(stage: Stage, machine: Workstation) -> None:
    handover = await hand_over(stage, machine)
    assert handover.run
    await stage.carry_out(handover.run.id)
    run, row = await stage.row(Run, handover.run.id), await stage.row(Workstation, machine.id)

    async with stage.acting("linus") as ctx:
        [key] = await ssh_keys.list_of(ctx.session, ctx.member)
        assert [found.id for found in await workstations.list_of(ctx.session, ctx.member)] == [machine.id]
        assert row.owner_id == ctx.member.id
    async with stage.acting("grace") as ctx:
        assert await workstations.list_of(ctx.session, ctx.member) == []
    assert (run.kind, run.inputs[runs.KEYS_INPUT], run.inputs["owner"]) == (RunKind.UPDATE, [key.public_key], "linus")
    # Files and processes on the machine belong to that account.
    assert (row.ssh_username, run.inputs["ssh_username"]) == ("grace", "grace")


async def test_the_audit_has_before_and_after(stage: Stage, machine: Workstation) -> None:
    handover = await hand_over(stage, machine, name="from-grace")
    assert handover.run
    async with stage.database.sessions() as session:
        [entry] = await audit_entries(session, action="workstation.hand_over")

    assert (entry.actor, entry.thing_id, entry.thing_name) == ("ada@example.com", machine.id, "from-grace")
    assert entry.before == {"owner": "grace@example.com", "name": "dev-1"}
    assert entry.after == {"owner": "linus@example.com", "name": "from-grace", "run": handover.run.id}


async def test_under_another_name_it_keeps_its_name_at_google(stage: Stage, machine: Workstation) -> None:
    before = machine.resource_name, machine.disk_name
    handover = await hand_over(stage, machine, name="from-grace")
    assert handover.run
    row = await stage.row(Workstation, machine.id)
    assert (row.name, row.resource_name, row.disk_name) == ("from-grace", *before)
    assert handover.run.inputs["name"] == machine.resource_name
    await stage.carry_out(handover.run.id)

    await hand_over(stage, row, "grace", "dev-1")
    assert (await stage.row(Workstation, machine.id)).made_as is None


async def test_a_name_that_the_new_owner_has_is_said_before(stage: Stage, machine: Workstation) -> None:
    await stage.make("dev-1", "linus")
    with pytest.raises(InvalidError) as refused:
        await hand_over(stage, machine)

    assert refused.value.fields == {
        "name": "linus@example.com already has a workstation named dev-1. Choose another name."
    }
    assert (await hand_over(stage, machine, name="dev-2")).workstation.name == "dev-2"


@pytest.mark.parametrize(
    ("to", "name", "field"),
    [("nobody", "", "owner"), ("grace", "", "owner"), ("eve", "", "owner"), ("linus", "No Name", "name")],
)
async def test_whoever_can_have_none_and_a_name_that_cannot_be_are_said_at_their_fields(
    stage: Stage, machine: Workstation, to: str, name: str, field: str
) -> None:
    async with stage.acting("eve") as ctx:
        ctx.member.disabled_at = ctx.now
    with pytest.raises(InvalidError) as refused:
        await hand_over(stage, machine, to, name)

    assert list(refused.value.fields) == [field]


async def test_the_new_owner_s_limits_count(stage: Stage, machine: Workstation) -> None:
    async with stage.acting("ada") as ctx:
        linus = await members.named(ctx.session, "linus@example.com")
        await limits.change(ctx, linus, Chosen(0, 0))
    with pytest.raises(LimitReachedError, match=r"linus@example\.com has 0 of 0"):
        await hand_over(stage, machine)
    assert (await stage.row(Workstation, machine.id)).owner_id == machine.owner_id


async def test_a_change_that_is_queued_is_part_of_the_run(stage: Stage, machine: Workstation) -> None:
    await stage.change(machine.id, disk_size_gb=200)
    handover = await hand_over(stage, machine)
    assert handover.run
    await stage.carry_out(handover.run.id)

    assert (await stage.row(Workstation, machine.id)).disk_size_gb == 200


async def test_what_is_being_created_or_deleted_stays_where_it_is(stage: Stage, machine: Workstation) -> None:
    requested = await stage.request("dev-2")
    with pytest.raises(ConflictError, match="is being created, or waits"):
        await hand_over(stage, requested.workstation)
    destroy = await stage.destroy(machine.id, keep_disk=False)
    with pytest.raises(ConflictError, match="is being deleted"):
        await hand_over(stage, machine)
    await stage.carry_out(destroy.id)
    with pytest.raises(ConflictError, match="has been deleted"):
        await hand_over(stage, machine)


async def test_the_new_owner_builds_a_machine_around_a_kept_disk(stage: Stage, disk: Workstation) -> None:
    assert (await hand_over(stage, disk)).run is None
    stage.clock.advance(minutes=1)
    async with stage.acting("linus") as ctx:
        found = await workstations.find(ctx.session, ctx.member, disk.id)
        run = await kept_disks.request_machine(ctx, found, MachineSpec())
    await stage.carry_out(run.id)
    inputs = (await stage.row(Run, run.id)).inputs

    assert (inputs["name"], inputs["owner"], inputs["ssh_username"]) == (disk.resource_name, "linus", "linus")
    async with stage.database.sessions() as session:
        linus = await members.named(session, "linus@example.com")
        keys = [key.public_key for key in await ssh_keys.list_of(session, linus)]
    assert inputs[runs.KEYS_INPUT] == keys


async def test_a_kept_disk_that_is_being_deleted_stays_where_it_is(stage: Stage, disk: Workstation) -> None:
    await stage.destroy(disk.id, keep_disk=False)
    with pytest.raises(ConflictError, match="disk is being deleted"):
        await hand_over(stage, disk)
