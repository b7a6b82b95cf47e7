"""Before a change of the disk, the image or the zone a snapshot is taken, or nothing is changed."""

import pytest
from google.api_core.exceptions import NotFound
from sqlalchemy import select

from app.infra.machines import OperationFailedError, Power
from app.models import RunStatus, Snapshot, SnapshotReason, WorkstationStatus
from app.services import decisions, runs
from app.worker.claim import Tools
from app.worker.execute import execute
from tests.app.worker.scripted import DISK, FAILS, VM, Script, log_of, run_of, spec, tells, workstation_of, writes_state
from tests.app.worker.test_power import as_grace, change
from tests.app.worker.test_power import google as compute_of
from tests.app.worker.test_restart import later
from tests.app.worker.test_snapshots import google

pytestmark = pytest.mark.anyio
QUOTA = OperationFailedError("insert: Error 403: Quota 'SNAPSHOTS' exceeded.")
GONE = NotFound("The resource 'projects/p/zones/europe-west4-a/disks/dev-1-home' was not found")
IMAGE = "deeplearning-platform-release/common-cu129-ubuntu-2404-nvidia-580"
MOVES = tells("planned_change", DISK, "replace") + tells("planned_change", VM, "replace")


@pytest.fixture
async def machine(tools: Tools, script: Script) -> str:
    """A workstation that runs, with its data disk."""
    script.on("apply", writes_state(3, disk_gb=100))
    workstation_id, run_id = await spec(tools)
    await execute(tools, run_id)
    script.on("apply", writes_state(5, disk_gb=100))
    later(tools)
    return workstation_id


async def reasons(tools: Tools) -> list[SnapshotReason]:
    async with tools.database.sessions() as session:
        return list(await session.scalars(select(Snapshot.reason)))


@pytest.mark.parametrize("fields", [{"image": IMAGE}, {"disk_size_gb": 200}])
async def test_a_change_of_the_image_or_the_disk_is_preceded_by_a_snapshot(
    tools: Tools, script: Script, machine: str, fields: dict[str, object]
) -> None:
    script.on("plan", tells("planned_change", VM, "replace" if "image" in fields else "update"))
    run_id = await change(tools, machine, **fields)
    await execute(tools, run_id)
    assert (await run_of(tools, run_id)).status is RunStatus.APPLIED
    assert await reasons(tools) == [SnapshotReason.CHANGE]
    assert compute_of(tools).orders == []


async def test_no_snapshot_is_taken_where_the_disk_takes_no_part(tools: Tools, script: Script, machine: str) -> None:
    script.on("plan", tells("planned_change", VM, "update"))
    await execute(tools, await change(tools, machine, machine_type="e2-standard-8"))
    assert await reasons(tools) == []


async def test_a_snapshot_that_fails_leaves_the_change_undone(tools: Tools, script: Script, machine: str) -> None:
    script.on("plan", tells("planned_change", VM, "replace"))
    google(tools).troubles = [QUOTA]
    run_id = await change(tools, machine, image=IMAGE)
    await execute(tools, run_id)
    run = await run_of(tools, run_id)
    assert run.status is RunStatus.ERRORED
    assert run.error == f"No snapshot could be taken before the change, so nothing was changed.\n{QUOTA}"
    assert [call.split()[0] for call in script.calls].count("apply") == 1
    assert not run.has_changed_anything


async def test_where_somebody_deleted_the_disk_at_google_nothing_is_saved_and_the_change_is_made(
    tools: Tools, script: Script, machine: str
) -> None:
    script.on("plan", tells("planned_change", DISK, "create") + tells("planned_change", VM, "replace"))
    google(tools).troubles = [GONE]
    run_id = await change(tools, machine, image=IMAGE)
    await execute(tools, run_id)
    assert (await run_of(tools, run_id)).status is RunStatus.APPLIED
    assert await reasons(tools) == []
    assert "at Google to take a snapshot of. No files can be lost." in await log_of(tools, run_id)


async def test_a_machine_that_moves_is_stopped_and_its_disk_made_from_the_snapshot(
    tools: Tools, script: Script, machine: str
) -> None:
    script.on("plan", MOVES)
    run_id = await change(tools, machine, zone="europe-west4-b")
    await execute(tools, run_id)
    run = await run_of(tools, run_id)
    assert run.status is RunStatus.APPLIED, run.error
    name = f"dev-1-{machine}-{run_id}"
    assert (run.inputs["zone"], run.inputs["disk_snapshot"]) == ("europe-west4-b", name)
    assert compute_of(tools).orders[0] is Power.STOP
    moved = await workstation_of(tools, machine)
    assert (moved.zone, moved.status, moved.disk_snapshot) == ("europe-west4-b", WorkstationStatus.RUNNING, None)


async def test_a_move_whose_snapshot_fails_starts_the_machine_again(tools: Tools, script: Script, machine: str) -> None:
    script.on("plan", MOVES)
    google(tools).troubles = [QUOTA]
    run_id = await change(tools, machine, zone="europe-west4-b")
    await execute(tools, run_id)
    assert (await run_of(tools, run_id)).status is RunStatus.ERRORED
    assert compute_of(tools).orders == [Power.STOP, Power.START]
    assert (await workstation_of(tools, machine)).zone == "europe-west4-a"


async def test_a_move_that_lost_its_disk_is_tried_again_from_the_same_snapshot(
    tools: Tools, script: Script, machine: str
) -> None:
    script.on("plan", MOVES)
    # The old disk is deleted, and the new one is not made.
    script.on("apply", f"{writes_state(5)}{FAILS}")
    failed = await change(tools, machine, zone="europe-west4-b")
    await execute(tools, failed)
    assert (await run_of(tools, failed)).status is RunStatus.ERRORED
    name = f"dev-1-{machine}-{failed}"
    assert (await workstation_of(tools, machine)).disk_snapshot == name

    script.on("plan", tells("planned_change", DISK, "create") + tells("planned_change", VM, "create"))
    script.on("apply", writes_state(7, disk_gb=100))
    later(tools)
    async with as_grace(tools) as ctx:
        again = (await decisions.retry(ctx, await runs.find(ctx.session, ctx.member, failed))).id
    await execute(tools, again)
    run = await run_of(tools, again)
    assert (run.status, run.inputs["disk_snapshot"]) == (RunStatus.APPLIED, name), run.error
    assert len(await reasons(tools)) == 1
    assert (await workstation_of(tools, machine)).disk_snapshot is None


async def test_a_plan_that_deletes_the_disk_of_a_move_still_waits(tools: Tools, script: Script, machine: str) -> None:
    changes = tells("planned_change", DISK, "delete") + tells("planned_change", VM, "replace")
    script.on("plan", f"{changes}echo plan > tfplan\n")
    run_id = await change(tools, machine, zone="europe-west4-b")
    await execute(tools, run_id)
    assert (await run_of(tools, run_id)).status is RunStatus.AWAITING_APPROVAL
    assert await reasons(tools) == []


async def test_the_log_says_what_happens_before(tools: Tools, script: Script, machine: str) -> None:
    script.on("plan", MOVES)
    run_id = await change(tools, machine, zone="europe-west4-b")
    await execute(tools, run_id)
    log = await log_of(tools, run_id)
    assert log.index("so that its disk can move") < log.index("Taking a snapshot") < log.index("was taken")
