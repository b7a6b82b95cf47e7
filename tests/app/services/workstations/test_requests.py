"""Workstations: what may be asked for, what a double click makes, and who sees what."""

import asyncio

import pytest
from sqlalchemy import func, select

from app.config import REPOSITORY
from app.db import Database
from app.errors import ConflictError, InvalidError, NotFoundError
from app.models import CancelMode, Member, Run, Stack, Workstation
from app.services import workstations
from app.services.catalog import Catalog
from app.services.people import members
from app.services.workstations.specs import WorkstationSpec
from tests.app.conftest import MovingClock, SecretsInMemory, identity, make_settings

pytestmark = pytest.mark.anyio
CATALOG = Catalog.load(REPOSITORY / "app" / "catalog.json")
SETTINGS = make_settings()


def spec(**fields: object) -> WorkstationSpec:
    return WorkstationSpec.model_validate({"name": "dev-1", "machine_type": "e2-standard-4", **fields})


async def ask(
    database: Database, clock: MovingClock, spec: WorkstationSpec, who: str = "grace"
) -> tuple[Workstation, Run, bool]:
    async with database.sessions.begin() as session:
        member = await members.sign_in(session, identity(who), SETTINGS, clock())
        return await workstations.request(session, member, spec, CATALOG, SecretsInMemory(), SETTINGS, clock())


async def test_what_is_left_out_is_filled_in_for_terraform(database: Database, clock: MovingClock) -> None:
    workstation, run, created = await ask(database, clock, spec())
    assert created
    assert run.inputs["name"] == f"dev-1-{workstation.id}"
    assert run.inputs["zone"] == SETTINGS.default_zone
    assert (run.inputs["gpu"], run.inputs["accelerator"], run.inputs["disk_only"]) == (False, None, False)


async def test_a_double_click_makes_one_machine(database: Database, clock: MovingClock) -> None:
    await ask(database, clock, spec(name="another"))
    asked = await asyncio.gather(*(ask(database, clock, spec()) for _ in range(3)))
    assert sorted(created for _, _, created in asked) == [False, False, True]
    assert len({run.id for _, run, _ in asked}) == 1
    async with database.sessions() as session:
        assert await session.scalar(select(func.count()).select_from(Stack)) == 2


@pytest.mark.parametrize("second_thought", ["destroy", "cancel"])
async def test_what_is_on_its_way_out_is_not_joined(
    database: Database, clock: MovingClock, second_thought: str
) -> None:
    workstation, run, _ = await ask(database, clock, spec())
    async with database.sessions.begin() as session:
        run = await session.get_one(Run, run.id)
        run.claim("worker", "host", clock())
        member = await session.get_one(Member, workstation.owner_id)
        if second_thought == "cancel":
            run.ask_cancel(CancelMode.UNDO, member, clock())
        else:
            workstation = await session.get_one(Workstation, workstation.id)
            await workstations.request_destroy(session, workstation, member, clock(), keep_disk=False)
    with pytest.raises(ConflictError, match="already have a workstation named dev-1"):
        await ask(database, clock, spec())


async def test_another_machine_of_the_same_name_is_refused_but_others_may_have_it(
    database: Database, clock: MovingClock
) -> None:
    await ask(database, clock, spec())
    with pytest.raises(ConflictError, match="already have a workstation named dev-1"):
        await ask(database, clock, spec(disk_size_gb=200))
    assert (await ask(database, clock, spec(), who="linus"))[2]


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
        ("disk_size_gb", 9),
        ("disk_size_gb", 64_001),
        ("disk_type", "pd-tape"),
        ("image", "somebody/else"),
        ("snapshot", "projects/p/../s"),
    ],
)
async def test_what_does_not_fit_is_said_of_its_field(
    database: Database, clock: MovingClock, field: str, value: object
) -> None:
    with pytest.raises(InvalidError) as refused:
        await ask(database, clock, spec(**{field: value}))
    assert list(refused.value.fields) == [field]


async def test_others_do_not_see_it(database: Database, clock: MovingClock) -> None:
    workstation, _, _ = await ask(database, clock, spec())
    async with database.sessions.begin() as session:
        linus = await members.sign_in(session, identity("linus"), SETTINGS, clock())
        ada = await members.sign_in(session, identity("ada"), SETTINGS, clock())
        with pytest.raises(NotFoundError):
            await workstations.find(session, linus, workstation.id)
        assert (await workstations.find(session, ada, workstation.id)).name == "dev-1"
        assert await workstations.list_of(session, linus) == []
