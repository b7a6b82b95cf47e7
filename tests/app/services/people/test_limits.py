"""How many workstations a member may have, whoever asks at once, and who chooses it."""

import asyncio
from collections.abc import Sequence

import pytest

from app.errors import InvalidError
from app.models import CancelMode, Member, Run, Workstation
from app.services import decisions, runs, workstations
from app.services.people import limits, listing, members
from app.services.people.limits import Chosen, Counts, LimitReachedError
from app.services.workstations import kept_disks
from app.services.workstations.kept_disks import MachineSpec
from app.services.workstations.specs import WorkstationPatch, WorkstationSpec
from tests.stage import By, Stage
from tests.steps import audit_entries

pytestmark = pytest.mark.anyio
CPU, GPU = "e2-standard-4", "g2-standard-8"


@pytest.fixture
def stage(stage: Stage) -> Stage:
    """Three workstations, one of them with a GPU."""
    stage.settings = stage.settings.model_copy(update={"workstation_limit": 3, "gpu_workstation_limit": 1})
    return stage


async def change(stage: Stage, workstation: Workstation, machine_type: str = GPU) -> Run:
    async with stage.acting("grace") as ctx:
        row = await ctx.session.get_one(Workstation, workstation.id)
        return await workstations.request_change(ctx, row, WorkstationPatch(machine_type=machine_type))


async def allowance(stage: Stage) -> tuple[Counts, Counts]:
    async with stage.acting("grace") as ctx:
        found = await limits.of(ctx, ctx.member)
        return found.used, found.limit


def outcomes(results: Sequence[object]) -> list[type | None]:
    return sorted((type(result) if isinstance(result, Exception) else None for result in results), key=str)


async def test_one_more_than_the_limit_is_refused_with_the_numbers(stage: Stage) -> None:
    for name in ("dev-1", "dev-2", "dev-3"):
        await stage.request(name)
    with pytest.raises(LimitReachedError, match="You have 3 of 3 workstations"):
        await stage.request("dev-4")

    assert await allowance(stage) == (Counts(3, 0), Counts(3, 1))
    assert (await stage.request("dev-1")).is_new is False
    assert (await stage.request("dev-1", who="linus")).is_new


async def test_requests_at_once_do_not_pass_together(stage: Stage) -> None:
    await stage.request("dev-1")
    await stage.request("dev-2")
    results = await asyncio.gather(*(stage.request(f"more-{n}") for n in range(3)), return_exceptions=True)

    assert outcomes(results) == [LimitReachedError, LimitReachedError, None]
    assert (await allowance(stage))[0] == Counts(3, 0)


async def test_a_second_gpu_is_refused_at_the_machine_type(stage: Stage) -> None:
    await stage.request("gpu-1", machine_type=GPU)
    with pytest.raises(LimitReachedError) as refused:
        await stage.request("gpu-2", machine_type=GPU)

    assert refused.value.fields == {"machine_type": "You have 1 of 1 workstations with a GPU."}
    assert await allowance(stage) == (Counts(1, 1), Counts(3, 1))


async def test_of_two_machines_changed_at_once_one_gets_the_gpu(stage: Stage) -> None:
    machines = [(await stage.request(name)).workstation for name in ("dev-1", "dev-2")]
    results = await asyncio.gather(*(change(stage, machine) for machine in machines), return_exceptions=True)

    assert outcomes(results) == [LimitReachedError, None]
    # It counts from the request on, before the machine has it.
    assert (await allowance(stage))[0] == Counts(2, 1)


async def test_a_machine_with_a_gpu_is_changed_whatever_the_limit_is_by_now(stage: Stage) -> None:
    machine = (await stage.request("gpu-1", machine_type=GPU)).workstation
    stage.settings = stage.settings.model_copy(update={"workstation_limit": 0, "gpu_workstation_limit": 0})

    assert (await change(stage, machine, "g2-standard-12")).inputs["machine_type"] == "g2-standard-12"


async def test_a_change_that_was_canceled_counts_when_it_is_retried(stage: Stage) -> None:
    first, second = await stage.make("dev-1"), await stage.make("dev-2")
    run = await change(stage, first)
    async with stage.acting("grace") as ctx:
        await decisions.cancel(ctx, await runs.find(ctx.session, ctx.member, run.id), CancelMode.UNDO)
    await change(stage, second)
    async with stage.acting("grace") as ctx:
        canceled = await runs.find(ctx.session, ctx.member, run.id)
        with pytest.raises(LimitReachedError):
            await decisions.retry(ctx, canceled)


async def test_a_kept_disk_is_no_machine_until_it_gets_one(stage: Stage) -> None:
    kept = await stage.make("dev-1")
    async with stage.acting("grace") as ctx:
        machine = await ctx.session.get_one(Workstation, kept.id)
        run = await workstations.request_destroy(ctx, machine, keep_disk=True)
    await stage.carry_out(run.id)
    for name in ("dev-2", "dev-3", "dev-4"):
        await stage.request(name)
    async with stage.acting("grace") as ctx:
        disk = await ctx.session.get_one(Workstation, kept.id)
        with pytest.raises(LimitReachedError, match="3 of 3"):
            await kept_disks.request_machine(ctx, disk, MachineSpec())
        assert disk.can_come_back


async def test_the_members_own_limit_counts_before_the_teams_and_that_before_the_settings(
    stage: Stage, by: By, grace: Member, ada: Member
) -> None:
    assert await limits.of_team(by(ada)) == Counts(3, 1)
    await limits.change_team(by(ada), Chosen(10, None))
    assert (await limits.of(by(), grace)).limit == Counts(10, 1)
    await limits.change(by(ada), grace, Chosen(None, 0))
    assert (await limits.of(by(), grace)).limit == Counts(10, 0)
    await limits.change(by(ada), grace, Chosen(None, 0))
    everybody = {entry.member.name: entry.allowance.limit for entry in (await listing.page(by(ada))).entries}
    assert everybody == {"Ada": Counts(10, 1), "Grace": Counts(10, 0)}
    entries = [entry for entry in await audit_entries(by().session) if entry.action in {"team.change", "member.change"}]

    assert [(entry.actor, entry.thing_name, entry.before, entry.after) for entry in entries] == [
        ("ada@example.com", "team", {"workstation_limit": None}, {"workstation_limit": 10}),
        ("ada@example.com", "grace@example.com", {"gpu_workstation_limit": None}, {"gpu_workstation_limit": 0}),
    ]


async def test_who_asks_for_somebody_else_is_told_whose_limit_it_is(stage: Stage) -> None:
    stage.settings = stage.settings.model_copy(update={"workstation_limit": 0})
    async with stage.acting("ada") as ctx:
        grace = await members.by_address(ctx, "grace@example.com")
        with pytest.raises(LimitReachedError, match=r"grace@example\.com has 0 of 0"):
            await workstations.request(ctx, grace, WorkstationSpec(name="dev-1", machine_type=CPU))


@pytest.mark.parametrize("typed", ["-1", "1001", "1.5", "many", "٣", "1e1"])
def test_what_is_no_limit_is_said_at_its_field(typed: str) -> None:
    with pytest.raises(InvalidError) as refused:
        limits.parse(typed, "2")
    assert list(refused.value.fields) == ["workstation_limit"]
    assert limits.parse(" 7 ", "") == Chosen(7, None)
