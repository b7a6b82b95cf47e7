"""A kept disk gets a new machine: of the same name, and the disk is there again whatever becomes of the wish."""

from collections.abc import Callable

import pytest

from app.config import REPOSITORY
from app.errors import ConflictError, InvalidError
from app.models import CancelMode, Member, Run, RunKind, Workstation
from app.services import decisions, runs, workstations
from app.services.catalog import Catalog
from app.services.workstations import kept_disks
from app.services.workstations.specs import MachineSpec, WorkstationSpec
from tests.app.conftest import make_settings
from tests.stage import Stage

pytestmark = pytest.mark.anyio
CATALOG = Catalog.load(REPOSITORY / "app" / "catalog.json")
SETTINGS = make_settings()


class Play:
    """Grace, with the worker played by hand."""

    def __init__(self, stage: Stage) -> None:
        self.stage, self.database, self.clock = stage, stage.database, stage.clock
        self.id = ""

    async def create(self, name: str = "dev-1") -> str:
        asked = WorkstationSpec.model_validate({"name": name, "machine_type": "e2-standard-4"})
        async with self.stage.acting("grace") as ctx:
            made = await workstations.request(ctx, ctx.member, asked)
            self.id = self.id or made.workstation.id
            return made.run.id

    async def step(self, run_id: str, action: Callable[[Run, Workstation], None]) -> None:
        async with self.database.sessions.begin() as session:
            run = await session.get_one(Run, run_id)
            action(run, await session.get_one(Workstation, run.stack_id))

    async def applied(self, run_id: str, end: Callable[[Workstation], None]) -> None:
        now = self.clock.advance(minutes=1)

        def apply(run: Run, workstation: Workstation) -> None:
            run.claim("w", "h", now)
            workstation.begin(run)
            run.begin_apply(now)
            end(workstation)
            run.succeed(now)

        await self.step(run_id, apply)

    async def keep_disk(self) -> None:
        """A machine that ran and was destroyed, its disk kept."""
        await self.applied(await self.create(), lambda it: it.become_running("192.0.2.1", {"k": "v"}, self.clock()))
        async with self.database.sessions.begin() as session:
            workstation = await session.get_one(Workstation, self.id)
            owner = await session.get_one(Member, workstation.owner_id)
            run = await workstations.request_destroy(self.stage.context(session, owner), workstation, keep_disk=True)
        await self.applied(run.id, lambda it: it.become_destroyed(self.clock(), disk_kept=True))

    async def ask(self, **fields: object) -> Run:
        async with self.database.sessions.begin() as session:
            workstation = await session.get_one(Workstation, self.id)
            owner = await session.get_one(Member, workstation.owner_id)
            spec = MachineSpec.model_validate(fields)
            return await kept_disks.request_machine(self.stage.context(session, owner), workstation, spec)

    async def workstation(self) -> Workstation:
        async with self.database.sessions() as session:
            return await session.get_one(Workstation, self.id)


@pytest.fixture
async def play(stage: Stage) -> Play:
    play = Play(stage)
    await play.keep_disk()
    return play


async def test_the_new_machine_is_what_is_asked_for_around_the_same_disk(play: Play) -> None:
    run = await play.ask(machine_type="g2-standard-8")
    workstation = await play.workstation()
    assert (workstation.status, workstation.disk_kept, workstation.machine_type) == (
        "requested",
        False,
        "g2-standard-8",
    )
    assert (run.kind, run.inputs["disk_only"], run.inputs["gpu"]) == (RunKind.PROVISION, False, True)
    assert run.inputs["name"] == f"dev-1-{play.id}"
    await play.applied(run.id, lambda it: it.become_running("192.0.2.2", {"k": "v"}, play.clock()))
    workstation = await play.workstation()
    assert (workstation.status, workstation.is_coming_back, workstation.can_come_back) == ("running", False, False)


async def test_cancelled_before_it_began_the_disk_is_kept_as_before(stage: Stage, play: Play) -> None:
    run = await play.ask()
    async with play.database.sessions.begin() as session:
        grace = await session.get_one(Member, (await play.workstation()).owner_id)
        found = await runs.find(session, grace, run.id)
        await decisions.cancel(stage.context(session, grace), found, CancelMode.UNDO)
    workstation = await play.workstation()
    assert (workstation.status, workstation.disk_kept) == ("destroyed", True)


async def test_undone_the_disk_is_kept_as_before(play: Play) -> None:
    run = await play.ask()

    def undone(run: Run, workstation: Workstation) -> None:
        run.claim("w", "h", play.clock())
        workstation.begin(run)
        assert workstation.status == "provisioning"
        workstation.restore_status(play.clock())

    await play.step(run.id, undone)
    assert (await play.workstation()).can_come_back


async def test_failed_it_can_be_retried_or_removed_keeping_the_disk(stage: Stage, play: Play) -> None:
    run = await play.ask()

    def failed(run: Run, workstation: Workstation) -> None:
        run.claim("w", "h", play.clock())
        workstation.begin(run)
        run.fail("stock-out", play.clock())
        workstation.become_failed()

    await play.step(run.id, failed)
    workstation = await play.workstation()
    assert (workstation.status, workstation.can_destroy) == ("failed", True)
    async with play.database.sessions.begin() as session:
        grace = await session.get_one(Member, workstation.owner_id)
        again = await decisions.retry(stage.context(session, grace), await runs.find(session, grace, run.id))
    assert (again.kind, again.inputs) == (RunKind.PROVISION, run.inputs)


async def test_a_name_that_is_taken_by_now_is_said(play: Play) -> None:
    await play.create()
    with pytest.raises(ConflictError, match="Another workstation is named dev-1"):
        await play.ask()


async def test_what_does_not_fit_is_said_and_nothing_is_begun(play: Play) -> None:
    with pytest.raises(InvalidError):
        await play.ask(machine_type="moon-1")
    assert (await play.workstation()).can_come_back


async def test_without_a_kept_disk_there_is_nothing_to_make_a_machine_for(play: Play) -> None:
    await play.ask()
    with pytest.raises(ConflictError, match="dev-1 has no kept disk"):
        await play.ask()
