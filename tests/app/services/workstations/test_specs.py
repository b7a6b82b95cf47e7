"""Changes to a machine: what they come on top of, what follows from what, and what cannot be had."""

from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy import func, select

from app.config import REPOSITORY
from app.db import Database
from app.errors import ConflictError, InvalidError
from app.models import Member, Run, RunKind, Workstation
from app.services import workstations
from app.services.catalog import Catalog
from app.services.keys import machine_keys, ssh_keys
from app.services.people import members
from app.services.workstations.specs import WorkstationPatch, WorkstationSpec
from tests.parts import MovingClock, identity, make_settings
from tests.stage import Stage

pytestmark = pytest.mark.anyio
CATALOG = Catalog.load(REPOSITORY / "app" / "catalog.json")
SETTINGS = make_settings()
PLAIN, CUDA, PYTORCH = (image.name for image in CATALOG.images)


class Machine:
    """Grace's, whose rows and runs go by one id."""

    def __init__(self, stage: Stage) -> None:
        self.stage, self.id = stage, ""

    async def create(self, **fields: Any) -> str:
        """Ask for it; returns the run's id."""
        requested = await self.stage.request(**fields)
        self.id = requested.workstation.id
        return requested.run.id

    async def make(self) -> None:
        """It runs."""
        await self.stage.carry_out(await self.create())

    async def ask(self, **fields: Any) -> Run:
        """PATCH, a minute later."""
        return await self.stage.change(self.id, **fields)

    async def row(self) -> Workstation:
        return await self.stage.row(Workstation, self.id)


@pytest.fixture
def machine(stage: Stage) -> Machine:
    return Machine(stage)


async def test_the_row_says_what_is_until_the_run_has_made_it_so(stage: Stage, machine: Machine) -> None:
    await machine.make()
    run = await machine.ask(disk_size_gb=200)

    assert (run.kind, run.changes, run.inputs["disk_size_gb"]) == (RunKind.UPDATE, {"disk_size_gb": 200}, 200)
    assert run.inputs["machine_type"] == "e2-standard-4"
    assert (await machine.row()).disk_size_gb == 100
    await stage.carry_out(run.id)
    assert (await machine.row()).disk_size_gb == 200


async def test_a_change_comes_on_top_of_the_one_that_is_queued_and_takes_its_place(
    stage: Stage, machine: Machine
) -> None:
    await machine.make()
    first = await machine.ask(disk_size_gb=200)
    second = await machine.ask(spot=True)

    assert second.changes == {"disk_size_gb": 200, "spot": True}
    assert (second.inputs["disk_size_gb"], second.inputs["spot"]) == (200, True)
    assert (await stage.row(Run, first.id)).superseded_by == second.id


async def test_a_change_back_is_still_one_while_the_other_is_executing(stage: Stage, machine: Machine) -> None:
    await machine.make()
    there = (await machine.ask(machine_type="e2-standard-8")).id
    await stage.apply(there)
    back = await machine.ask(machine_type="e2-standard-4")
    await stage.carry_out(there)
    assert (await machine.row()).machine_type == "e2-standard-8"
    await stage.carry_out(back.id)
    assert (await machine.row()).machine_type == "e2-standard-4"


async def test_what_is_being_stopped_is_not_built_upon(stage: Stage, machine: Machine) -> None:
    await machine.make()
    stopped = (await machine.ask(disk_size_gb=200)).id
    await stage.apply(stopped)
    await stage.cancel(stopped)

    assert (await machine.ask(spot=True)).changes == {"spot": True}


async def test_the_same_change_twice_is_one_run_and_none_at_all_is_a_check(
    machine: Machine, database: Database
) -> None:
    await machine.make()
    check = await machine.ask()

    assert (check.kind, check.changes) == (RunKind.UPDATE, {})
    assert (await machine.ask()).id == check.id
    async with database.sessions() as session:
        assert await session.scalar(select(func.count()).select_from(Run)) == 2


async def test_the_keys_are_the_owners_of_now(
    stage: Stage, machine: Machine, database: Database, clock: MovingClock
) -> None:
    await machine.make()
    async with database.transaction() as session:
        grace = await members.sign_in(stage.context(session), identity("grace"))
        pair = await ssh_keys.generate(stage.context(session, grace, now=clock.advance(minutes=1)), "second")
        ada = await members.sign_in(stage.context(session), identity("ada"))
        workstation = await session.get_one(Workstation, machine.id)
        run = await workstations.request_change(
            stage.context(session, ada), workstation, WorkstationPatch.model_validate({})
        )
        assert "ssh_public_keys" not in run.inputs
        await machine_keys.bind(session, run)

    assert len(run.inputs["ssh_public_keys"]) == 2
    assert pair.public_key in run.inputs["ssh_public_keys"]
    assert run.inputs["owner"] == run.inputs["ssh_username"] == "grace"


@pytest.mark.parametrize(
    ("before", "change", "image"),
    [
        ({}, {"machine_type": "g2-standard-8"}, CUDA),
        ({"machine_type": "g2-standard-8"}, {"machine_type": "e2-standard-4"}, PLAIN),
        ({"machine_type": "g2-standard-8", "image": PYTORCH}, {"machine_type": "e2-standard-4"}, PYTORCH),
        ({"machine_type": "g2-standard-8"}, {"machine_type": "g2-standard-12"}, CUDA),
        ({}, {"machine_type": "g2-standard-8", "image": PYTORCH}, PYTORCH),
    ],
)
async def test_the_default_image_follows_the_machine_and_a_chosen_one_stays(
    machine: Machine, before: dict[str, object], change: dict[str, object], image: str
) -> None:
    await machine.create(**before)
    assert (await machine.ask(**change)).inputs["boot_image"] == image


async def test_a_gpu_follows_from_the_machine_type(machine: Machine) -> None:
    await machine.create()
    run = await machine.ask(machine_type="n1-standard-8")

    assert run.inputs["accelerator"] == {"type": "nvidia-tesla-t4", "count": 1}
    assert run.inputs["gpu"]
    assert (run.changes["accelerator"], run.changes["accelerator_count"]) == ("nvidia-tesla-t4", 1)


@pytest.mark.parametrize(
    ("before", "change", "field"),
    [
        ({}, {"machine_type": "m9-huge"}, "machine_type"),
        ({}, {"disk_size_gb": 9}, "disk_size_gb"),
        ({"boot_disk_size_gb": 80}, {"boot_disk_size_gb": 79}, "boot_disk_size_gb"),
        ({}, {"boot_disk_size_gb": 64_001}, "boot_disk_size_gb"),
        ({}, {"disk_type": "pd-tape"}, "disk_type"),
        ({}, {"image": "somebody/else"}, "image"),
        ({}, {"accelerator": "nvidia-tesla-t4"}, "accelerator"),
        ({}, {"machine_type": "g2-standard-8", "image": PLAIN}, "image"),
        ({"zone": "us-central1-f"}, {"machine_type": "g2-standard-8"}, "machine_type"),
        ({}, {"machine_type": "g4-standard-48"}, "disk_type"),
        ({}, {"machine_type": "g2-standard-8", "disk_type": "pd-standard"}, "disk_type"),
        ({"zone": "europe-west4-b"}, {"machine_type": "a3-highgpu-1g"}, "spot"),
    ],
)
async def test_a_change_that_does_not_fit_is_said_of_its_field(
    machine: Machine, before: dict[str, object], change: dict[str, object], field: str
) -> None:
    await machine.create(**before)
    with pytest.raises(InvalidError) as refused:
        await machine.ask(**change)
    assert list(refused.value.fields) == [field]


async def test_a_gpu_that_was_added_can_be_given_up(machine: Machine) -> None:
    await machine.create(machine_type="n1-standard-8")
    run = await machine.ask(machine_type="e2-standard-4")

    assert run.inputs["accelerator"] is None
    assert run.changes | {"image": PLAIN} == run.changes
    assert (run.changes["accelerator"], run.changes["accelerator_count"]) == (None, 0)


async def test_what_is_no_longer_on_offer_is_not_held_against_another_change(
    machine: Machine, database: Database
) -> None:
    await machine.create()
    async with database.sessions.begin() as session:
        row = await session.get_one(Workstation, machine.id)
        row.machine_type, row.image, row.disk_type = "n2-standard-4", "somebody/else", "pd-extreme"

    assert (await machine.ask(disk_size_gb=200)).inputs["machine_type"] == "n2-standard-4"
    with pytest.raises(InvalidError) as refused:
        await machine.ask(disk_type="pd-tape")
    assert list(refused.value.fields) == ["disk_type"]


async def test_what_is_gone_or_going_is_not_changed(
    stage: Stage, machine: Machine, database: Database, clock: MovingClock
) -> None:
    await machine.make()
    await stage.destroy(machine.id)
    with pytest.raises(ConflictError, match="is being deleted"):
        await machine.ask(spot=True)
    async with database.sessions.begin() as session:
        (await session.get_one(Workstation, machine.id)).become_destroyed(clock(), disk_kept=True)
    with pytest.raises(ConflictError, match="has been deleted"):
        await machine.ask(spot=True)


async def test_a_machine_whose_building_is_being_stopped_is_not_changed(stage: Stage, machine: Machine) -> None:
    building = await machine.create()
    await stage.apply(building)
    await stage.cancel(building)
    with pytest.raises(ConflictError, match="is being canceled"):
        await machine.ask(spot=True)


async def test_a_disk_is_kept_at_the_size_it_has_not_at_one_that_was_only_asked_for(
    stage: Stage, machine: Machine
) -> None:
    await machine.make()
    await machine.ask(disk_size_gb=50)
    assert (await stage.destroy(machine.id)).inputs["disk_size_gb"] == 100


async def test_a_disk_is_kept_at_the_size_it_is_being_given(stage: Stage, machine: Machine) -> None:
    await machine.make()
    await stage.apply((await machine.ask(disk_size_gb=200)).id)
    assert (await stage.destroy(machine.id)).inputs["disk_size_gb"] == 200


async def test_two_changes_at_once_are_both_in_the_end(stage: Stage, machine: Machine, database: Database) -> None:
    await machine.make()
    async with database.sessions() as first:
        workstation = await first.get_one(Workstation, machine.id)
        member = await first.get_one(Member, workstation.owner_id)
        await machine.ask(disk_size_gb=200)
        change = WorkstationPatch.model_validate({"spot": True})
        run = await workstations.request_change(stage.context(first, member), workstation, change)

    assert run.changes == {"disk_size_gb": 200, "spot": True}


@pytest.mark.parametrize(
    ("size", "is_whole"), [(515, True), (515.0, True), (515.5, False), ("515", False), (True, False)]
)
def test_a_size_is_a_whole_number_however_json_writes_it(size: object, is_whole: bool) -> None:
    fields = {"name": "dev-1", "machine_type": "e2-standard-4", "disk_size_gb": size}
    if is_whole:
        assert WorkstationSpec.model_validate(fields).disk_size_gb == 515
    else:
        with pytest.raises(ValidationError):
            WorkstationSpec.model_validate(fields)
