"""Changes to a machine: what they come on top of, what follows from what, and what cannot be had."""

from collections.abc import Callable

import pytest
from sqlalchemy import func, select

from app.config import REPOSITORY
from app.db import Database
from app.errors import ConflictError, InvalidError
from app.models import CancelMode, Member, Run, RunKind, Workstation
from app.services import decisions, runs, workstations
from app.services.catalog import Catalog
from app.services.keys import machine_keys, ssh_keys
from app.services.people import members
from app.services.workstations.specs import WorkstationPatch, WorkstationSpec
from tests.app.conftest import make_settings
from tests.stage import MovingClock, Stage, identity

pytestmark = pytest.mark.anyio
CATALOG = Catalog.load(REPOSITORY / "app" / "catalog.json")
SETTINGS = make_settings()
PLAIN, CUDA, PYTORCH = (image.name for image in CATALOG.images)


class Play:
    """One member's machine, with the worker played by hand."""

    def __init__(self, stage: Stage) -> None:
        self.stage, self._database, self._clock = stage, stage.database, stage.clock
        self.id = ""

    async def create(self, **fields: object) -> None:
        spec = WorkstationSpec.model_validate({"name": "dev-1", "machine_type": "e2-standard-4", **fields})
        async with self.stage.acting("grace") as ctx:
            self.id = (await workstations.request(ctx, ctx.member, spec)).workstation.id

    async def ask(self, **fields: object) -> Run:
        """PATCH, a minute later."""
        async with self._database.sessions.begin() as session:
            workstation = await session.get_one(Workstation, self.id)
            member = await session.get_one(Member, workstation.owner_id)
            change = WorkstationPatch.model_validate(fields)
            self._clock.advance(minutes=1)
            return await workstations.request_change(self.stage.context(session, member), workstation, change)

    async def step(self, run_id: str, *what: Callable[[Run], None]) -> None:
        async with self._database.sessions.begin() as session:
            run = await session.get_one(Run, run_id)
            for action in what:
                action(run)

    async def begin(self, run_id: str | None = None) -> str:
        run_id = run_id or await self.newest()
        await self.step(run_id, lambda run: run.claim("w", "h", self._clock()))
        await self.step(run_id, lambda run: run.begin_apply(self._clock()))
        return run_id

    async def finish(self, run_id: str) -> None:
        await self.step(run_id, lambda run: run.succeed(self._clock()))
        async with self._database.sessions.begin() as session:
            run = await session.get_one(Run, run_id)
            (await session.get_one(Workstation, self.id)).take(run.changes)

    async def newest(self) -> str:
        async with self._database.sessions() as session:
            return (await runs.newest_ids(session, [self.id]))[self.id]

    async def destroy(self, *, keep_disk: bool = True) -> Run:
        async with self._database.sessions.begin() as session:
            workstation = await session.get_one(Workstation, self.id)
            member = await session.get_one(Member, workstation.owner_id)
            self._clock.advance(minutes=1)
            return await workstations.request_destroy(
                self.stage.context(session, member), workstation, keep_disk=keep_disk
            )

    async def row(self) -> Workstation:
        async with self._database.sessions() as session:
            return await session.get_one(Workstation, self.id)


@pytest.fixture
def play(stage: Stage) -> Play:
    return Play(stage)


async def test_the_row_says_what_is_until_the_run_has_made_it_so(play: Play) -> None:
    await play.create()
    await play.finish(await play.begin())
    run = await play.ask(disk_size_gb=200)

    assert (run.kind, run.changes, run.inputs["disk_size_gb"]) == (RunKind.UPDATE, {"disk_size_gb": 200}, 200)
    assert run.inputs["machine_type"] == "e2-standard-4"
    assert (await play.row()).disk_size_gb == 100
    await play.finish(await play.begin(run.id))
    assert (await play.row()).disk_size_gb == 200


async def test_a_change_comes_on_top_of_the_one_that_is_queued_and_takes_its_place(play: Play) -> None:
    await play.create()
    await play.finish(await play.begin())
    first = await play.ask(disk_size_gb=200)
    second = await play.ask(spot=True)

    assert second.changes == {"disk_size_gb": 200, "spot": True}
    assert (second.inputs["disk_size_gb"], second.inputs["spot"]) == (200, True)
    await play.step(first.id, lambda run: _is(run.superseded_by, second.id))


def _is(one: object, other: object) -> None:
    assert one == other


async def test_a_change_back_is_still_one_while_the_other_is_executing(play: Play) -> None:
    await play.create()
    await play.finish(await play.begin())
    there = await play.begin((await play.ask(machine_type="e2-standard-8")).id)
    back = await play.ask(machine_type="e2-standard-4")
    await play.finish(there)
    assert (await play.row()).machine_type == "e2-standard-8"
    await play.finish(await play.begin(back.id))
    assert (await play.row()).machine_type == "e2-standard-4"


async def test_what_is_being_stopped_is_not_built_upon(stage: Stage, play: Play, database: Database) -> None:
    await play.create()
    await play.finish(await play.begin())
    stopped = await play.begin((await play.ask(disk_size_gb=200)).id)
    async with database.sessions.begin() as session:
        run = await session.get_one(Run, stopped)
        member = await session.get_one(Member, run.requested_by)
        await decisions.cancel(stage.context(session, member), run, CancelMode.UNDO)

    assert (await play.ask(spot=True)).changes == {"spot": True}


async def test_the_same_change_twice_is_one_run_and_none_at_all_is_a_check(play: Play, database: Database) -> None:
    await play.create()
    await play.finish(await play.begin())
    check = await play.ask()

    assert (check.kind, check.changes) == (RunKind.UPDATE, {})
    assert (await play.ask()).id == check.id
    async with database.sessions() as session:
        assert await session.scalar(select(func.count()).select_from(Run)) == 2


async def test_the_keys_are_the_owners_of_now(stage: Stage, play: Play, database: Database, clock: MovingClock) -> None:
    await play.create()
    await play.finish(await play.begin())
    async with database.transaction() as session:
        grace = await members.sign_in(stage.context(session), identity("grace"))
        pair = await ssh_keys.generate(stage.context(session, grace, now=clock.advance(minutes=1)), "second")
        ada = await members.sign_in(stage.context(session), identity("ada"))
        workstation = await session.get_one(Workstation, play.id)
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
    play: Play, before: dict[str, object], change: dict[str, object], image: str
) -> None:
    await play.create(**before)
    assert (await play.ask(**change)).inputs["boot_image"] == image


async def test_a_gpu_follows_from_the_machine_type(play: Play) -> None:
    await play.create()
    run = await play.ask(machine_type="n1-standard-8")

    assert run.inputs["accelerator"] == {"type": "nvidia-tesla-t4", "count": 1}
    assert run.inputs["gpu"]
    assert (run.changes["accelerator"], run.changes["accelerator_count"]) == ("nvidia-tesla-t4", 1)


@pytest.mark.parametrize(
    ("before", "change", "field"),
    [
        ({}, {"machine_type": "m9-huge"}, "machine_type"),
        ({}, {"disk_size_gb": 9}, "disk_size_gb"),
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
    play: Play, before: dict[str, object], change: dict[str, object], field: str
) -> None:
    await play.create(**before)
    with pytest.raises(InvalidError) as refused:
        await play.ask(**change)
    assert list(refused.value.fields) == [field]


async def test_a_gpu_that_was_added_can_be_given_up(play: Play) -> None:
    await play.create(machine_type="n1-standard-8")
    run = await play.ask(machine_type="e2-standard-4")

    assert run.inputs["accelerator"] is None
    assert run.changes | {"image": PLAIN} == run.changes
    assert (run.changes["accelerator"], run.changes["accelerator_count"]) == (None, 0)


async def test_what_is_no_longer_on_offer_is_not_held_against_another_change(play: Play, database: Database) -> None:
    await play.create()
    async with database.sessions.begin() as session:
        row = await session.get_one(Workstation, play.id)
        row.machine_type, row.image, row.disk_type = "n2-standard-4", "somebody/else", "pd-extreme"

    assert (await play.ask(disk_size_gb=200)).inputs["machine_type"] == "n2-standard-4"
    with pytest.raises(InvalidError) as refused:
        await play.ask(disk_type="pd-tape")
    assert list(refused.value.fields) == ["disk_type"]


async def test_what_is_gone_or_going_is_not_changed(play: Play, database: Database, clock: MovingClock) -> None:
    await play.create()
    await play.finish(await play.begin())
    await play.destroy()
    with pytest.raises(ConflictError, match="is being deleted"):
        await play.ask(spot=True)
    async with database.sessions.begin() as session:
        (await session.get_one(Workstation, play.id)).become_destroyed(clock(), disk_kept=True)
    with pytest.raises(ConflictError, match="has been deleted"):
        await play.ask(spot=True)


async def test_a_machine_whose_building_is_being_stopped_is_not_changed(
    stage: Stage, play: Play, database: Database
) -> None:
    await play.create()
    building = await play.begin()
    async with database.sessions.begin() as session:
        run = await session.get_one(Run, building)
        member = await session.get_one(Member, run.requested_by)
        await decisions.cancel(stage.context(session, member), run, CancelMode.UNDO)
    with pytest.raises(ConflictError, match="is being canceled"):
        await play.ask(spot=True)


async def test_a_disk_is_kept_at_the_size_it_has_not_at_one_that_was_only_asked_for(play: Play) -> None:
    await play.create()
    await play.finish(await play.begin())
    await play.ask(disk_size_gb=50)
    assert (await play.destroy()).inputs["disk_size_gb"] == 100


async def test_a_disk_is_kept_at_the_size_it_is_being_given(play: Play) -> None:
    await play.create()
    await play.finish(await play.begin())
    await play.begin((await play.ask(disk_size_gb=200)).id)
    assert (await play.destroy()).inputs["disk_size_gb"] == 200


async def test_two_changes_at_once_are_both_in_the_end(stage: Stage, play: Play, database: Database) -> None:
    await play.create()
    await play.finish(await play.begin())
    async with database.sessions() as first:
        workstation = await first.get_one(Workstation, play.id)
        member = await first.get_one(Member, workstation.owner_id)
        await play.ask(disk_size_gb=200)
        change = WorkstationPatch.model_validate({"spot": True})
        run = await workstations.request_change(stage.context(first, member), workstation, change)

    assert run.changes == {"disk_size_gb": 200, "spot": True}
