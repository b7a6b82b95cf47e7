"""Progress: stages in the order in which they happen, and an estimate that never claims the end before it."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.models import ResourceState, Root, Run, RunKind, RunResource, RunStatus, Stack
from app.models.machine_report import MachineReport
from app.services import workstations
from app.services.people import members
from app.services.runs import progress
from app.services.runs.progress import StageState
from app.services.workstations import Adopted
from app.services.workstations.specs import WorkstationSpec
from tests.parts import identity
from tests.stage import By

pytestmark = pytest.mark.anyio
NOW = datetime(2026, 1, 1, tzinfo=UTC)
DISK = "module.compute_configure.google_compute_disk.data"
VM = "module.compute[0].google_compute_instance.workstation"


def run_in(status: RunStatus, kind: RunKind = RunKind.PROVISION, **fields: object) -> Run:
    return Run(id="r1", stack_id="s1", requested_by="m1", kind=kind, inputs={}, status=status, created_at=NOW, **fields)


def resource(address: str, state: ResourceState) -> RunResource:
    return RunResource(run_id="r1", address=address, action="create", state=state)


async def stages(session: AsyncSession, run: Run, *resources: RunResource) -> dict[str, StageState]:
    found = await progress.of_run(session, run, list(resources), NOW + timedelta(seconds=10))
    return {stage.label: stage.state for stage in found.stages}


async def test_a_queued_run_has_all_before_it(session: AsyncSession) -> None:
    found = await stages(session, run_in(RunStatus.QUEUED))
    assert list(found) == ["Queued", "Preparing", "Disk", "Address", "Machine", "Booting", "Mounting", "Ready"]
    assert found.pop("Queued") == "now"
    assert set(found.values()) == {"to_come"}


async def test_an_applying_run_shows_what_is_made_and_what_is_being_made(session: AsyncSession) -> None:
    run = run_in(RunStatus.APPLYING, applying_at=NOW)
    found = await stages(session, run, resource(DISK, ResourceState.DONE), resource(VM, ResourceState.WORKING))
    assert (found["Preparing"], found["Disk"], found["Machine"], found["Booting"]) == ("done", "done", "now", "to_come")


async def test_a_failed_run_shows_where_and_nothing_as_going_on(session: AsyncSession) -> None:
    run = run_in(RunStatus.ERRORED, applying_at=NOW, finished_at=NOW)
    found = await stages(session, run, resource(DISK, ResourceState.DONE), resource(VM, ResourceState.FAILED))
    assert found["Machine"] == "failed"
    assert "now" not in found.values()


async def test_a_destroy_goes_the_other_way_and_ends_with_gone(session: AsyncSession) -> None:
    run = run_in(RunStatus.APPLYING, RunKind.DESTROY, applying_at=NOW)
    assert list(await stages(session, run)) == ["Queued", "Preparing", "Machine", "Address", "Disk", "Deleted"]


@pytest.mark.parametrize("status", [RunStatus.PLANNING, RunStatus.APPLYING, RunStatus.INTERRUPTED])
async def test_it_never_claims_the_end_before_it(session: AsyncSession, status: RunStatus) -> None:
    late = await progress.of_run(session, run_in(status), [], NOW + timedelta(hours=2))
    assert (late.percent, late.remaining_seconds) == (99, 1)


async def test_a_change_shows_only_what_it_touches_once_that_is_known(session: AsyncSession) -> None:
    planning = run_in(RunStatus.PLANNING, RunKind.UPDATE)
    assert "Disk" in await stages(session, planning, resource(VM, ResourceState.PENDING))
    applying = run_in(RunStatus.APPLYING, RunKind.UPDATE, applying_at=NOW)
    found = await stages(session, applying, resource(VM, ResourceState.WORKING))
    assert list(found) == ["Queued", "Preparing", "Machine", "Booting", "Mounting", "Ready"]


@pytest.mark.parametrize(
    ("said", "booting", "mounting", "ready"),
    [
        ("", "now", "to_come", "to_come"),
        ("disk", "done", "now", "to_come"),
        ("keys", "done", "done", "to_come"),
        ("failed", "done", "done", "to_come"),
    ],
)
async def test_a_boot_is_shown_as_far_as_the_machine_tells(
    session: AsyncSession, by: By, said: str, booting: str, mounting: str, ready: str
) -> None:
    grace = await members.sign_in(by(), identity("grace"))
    session.add(Stack(id="s1", root=Root.WORKSTATION, created_at=NOW))
    await session.flush()
    spec = WorkstationSpec(name="dev-1", machine_type="e2-standard-4")
    workstation = workstations.draft(by(), grace, spec, Adopted("s1", "disk", None))
    session.add(workstation)
    await session.flush()
    workstation.record_report(MachineReport.read({"boot-stage": f"{said} 2026-01-01T00:00:05Z"}), NOW)
    found = await stages(session, run_in(RunStatus.APPLYING, applying_at=NOW, booting_at=NOW))
    assert (found["Booting"], found["Mounting"], found["Ready"]) == (booting, mounting, ready)
    restart = await stages(session, run_in(RunStatus.APPLYING, RunKind.RESTART, applying_at=NOW))
    assert (restart["Resetting"], restart["Booting"], "Machine" in restart) == ("now", "to_come", False)
