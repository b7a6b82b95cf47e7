"""Workstations: what may be asked for, what a double click makes, and who sees what."""

import asyncio

import pytest
from sqlalchemy import func, select

from app.errors import ConflictError, InvalidError
from app.models import CancelMode, Member, Run, Stack, Workstation
from app.services import workstations
from app.services.workstations import Requested
from app.services.workstations.specs import WorkstationSpec
from tests.stage import Stage

pytestmark = pytest.mark.anyio


def spec(**fields: object) -> WorkstationSpec:
    return WorkstationSpec.model_validate({"name": "dev-1", "machine_type": "e2-standard-4", **fields})


async def ask(stage: Stage, spec: WorkstationSpec, who: str = "grace") -> Requested:
    async with stage.acting(who) as ctx:
        return await workstations.request(ctx, ctx.member, spec)


async def test_what_is_left_out_is_filled_in_for_terraform(stage: Stage) -> None:
    requested = await ask(stage, spec())
    workstation, run = requested.workstation, requested.run
    assert requested.is_new
    assert run.inputs["name"] == f"dev-1-{workstation.id}"
    assert run.inputs["zone"] == stage.settings.default_zone
    assert (run.inputs["gpu"], run.inputs["accelerator"], run.inputs["disk_only"]) == (False, None, False)


async def test_a_double_click_makes_one_machine(stage: Stage) -> None:
    await ask(stage, spec(name="another"))
    asked = await asyncio.gather(*(ask(stage, spec()) for _ in range(3)))
    assert sorted(each.is_new for each in asked) == [False, False, True]
    assert len({each.run.id for each in asked}) == 1
    async with stage.database.sessions() as session:
        assert await session.scalar(select(func.count()).select_from(Stack)) == 2


@pytest.mark.parametrize("second_thought", ["destroy", "cancel"])
async def test_what_is_on_its_way_out_is_not_joined(stage: Stage, second_thought: str) -> None:
    requested = await ask(stage, spec())
    workstation, run = requested.workstation, requested.run
    async with stage.database.sessions.begin() as session:
        run = await session.get_one(Run, run.id)
        run.claim("worker", "host", stage.clock())
        member = await session.get_one(Member, workstation.owner_id)
        if second_thought == "cancel":
            run.request_cancel(CancelMode.UNDO, member, stage.clock())
        else:
            workstation = await session.get_one(Workstation, workstation.id)
            await workstations.request_destroy(stage.context(session, member), workstation, keep_disk=False)
    with pytest.raises(ConflictError, match="already have a workstation named dev-1"):
        await ask(stage, spec())


async def test_another_machine_of_the_same_name_is_refused_but_others_may_have_it(stage: Stage) -> None:
    await ask(stage, spec())
    with pytest.raises(ConflictError, match="already have a workstation named dev-1"):
        await ask(stage, spec(disk_size_gb=200))
    assert (await ask(stage, spec(), who="linus")).is_new


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "-dev"),
        ("name", "dev-"),
        ("name", "Dev"),
        ("name", "d" * 31),
        ("name", "dev\n"),
        ("machine_type", "m9-huge"),
        ("zone", "mars-north1-a"),
        ("accelerator", "nvidia-tesla-t4"),
        ("boot_disk_size_gb", 49),
        ("boot_disk_size_gb", 64_001),
        ("disk_size_gb", 9),
        ("disk_size_gb", 64_001),
        ("disk_type", "pd-tape"),
        ("image", "somebody/else"),
        ("snapshot", "projects/p/../s"),
    ],
)
async def test_what_does_not_fit_is_said_of_its_field(stage: Stage, field: str, value: object) -> None:
    with pytest.raises(InvalidError) as refused:
        await ask(stage, spec(**{field: value}))
    assert list(refused.value.fields) == [field]
