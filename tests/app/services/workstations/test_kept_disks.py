"""A kept disk gets a new machine: of the same name, and the disk is there again whatever becomes of the request."""

import pytest

from app.errors import ConflictError, InvalidError
from app.models import Run, RunKind, Workstation
from app.services import lifecycle
from app.services.workstations import kept_disks
from app.services.workstations.kept_disks import MachineSpec
from tests.stage import Stage

pytestmark = pytest.mark.anyio


class Disk:
    """Kept of Grace's machine, which ran and was deleted."""

    def __init__(self, stage: Stage, workstation_id: str) -> None:
        self.stage, self.id = stage, workstation_id

    async def ask(self, **fields: object) -> Run:
        """For a new machine."""
        async with self.stage.acting("grace") as ctx:
            workstation = await ctx.session.get_one(Workstation, self.id)
            return await kept_disks.request_machine(ctx, workstation, MachineSpec.model_validate(fields))

    async def workstation(self) -> Workstation:
        return await self.stage.row(Workstation, self.id)


@pytest.fixture
async def disk(stage: Stage) -> Disk:
    machine = await stage.make()
    await stage.carry_out((await stage.destroy(machine.id)).id)
    return Disk(stage, machine.id)


async def test_the_new_machine_is_what_is_asked_for_around_the_same_disk(disk: Disk) -> None:
    run = await disk.ask(machine_type="g2-standard-8")
    workstation = await disk.workstation()
    assert (workstation.status, workstation.disk_kept, workstation.machine_type) == (
        "requested",
        False,
        "g2-standard-8",
    )
    assert (run.kind, run.inputs["disk_only"], run.inputs["gpu"]) == (RunKind.PROVISION, False, True)
    assert run.inputs["name"] == f"dev-1-{disk.id}"
    await disk.stage.carry_out(run.id)
    workstation = await disk.workstation()
    assert (workstation.status, workstation.is_coming_back, workstation.can_come_back) == ("running", False, False)


async def test_cancelled_before_it_began_the_disk_is_kept_as_before(disk: Disk) -> None:
    run = await disk.ask()
    await disk.stage.cancel(run.id)
    workstation = await disk.workstation()
    assert (workstation.status, workstation.disk_kept) == ("destroyed", True)


async def test_undone_the_disk_is_kept_as_before(disk: Disk) -> None:
    run = await disk.ask()
    await disk.stage.apply(run.id)
    assert (await disk.workstation()).status == "provisioning"
    async with disk.stage.working_on(run.id) as (ctx, undone):
        await lifecycle.cancel(ctx, undone, is_undone=True)
    assert (await disk.workstation()).can_come_back


async def test_failed_it_can_be_retried_or_removed_keeping_the_disk(disk: Disk) -> None:
    run = await disk.ask()
    await disk.stage.fail(run.id)
    workstation = await disk.workstation()
    assert (workstation.status, workstation.can_destroy) == ("failed", True)
    again = await disk.stage.retry(run.id)
    assert (again.kind, again.inputs) == (RunKind.PROVISION, (await disk.stage.row(Run, run.id)).inputs)


async def test_a_name_that_is_taken_by_now_is_said(disk: Disk) -> None:
    await disk.stage.request()
    with pytest.raises(ConflictError, match="Another workstation is named dev-1"):
        await disk.ask()


async def test_what_does_not_fit_is_said_and_nothing_is_begun(disk: Disk) -> None:
    with pytest.raises(InvalidError):
        await disk.ask(machine_type="moon-1")
    assert (await disk.workstation()).can_come_back


async def test_without_a_kept_disk_there_is_nothing_to_make_a_machine_for(disk: Disk) -> None:
    await disk.ask()
    with pytest.raises(ConflictError, match="dev-1 has no kept disk"):
        await disk.ask()
