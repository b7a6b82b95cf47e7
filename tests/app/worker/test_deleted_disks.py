"""A deleted data disk rests as a snapshot, which expires; so do snapshots taken before a change."""

import asyncio

import pytest
from google.api_core.exceptions import NotFound

from app.infra.machines import OperationFailedError
from app.infra.snapshots import StoredSnapshot
from app.models import CancelMode, Run, RunStatus, SnapshotReason, Workstation, WorkstationStatus
from app.services import decisions, runs
from app.services.people import team_policy
from app.services.people.team_policy import TeamPolicy
from app.services.workstations import requests
from app.worker import claim as claims
from app.worker import periodic
from app.worker import snapshots as worker_snapshots
from app.worker.claim import Tools
from app.worker.execute import execute
from tests.app.worker.scripted import (
    DISK,
    FAILS,
    PRESSED,
    VM,
    Script,
    ask_destroy,
    interrupt,
    log_of,
    run_of,
    spec,
    tells,
    workstation_of,
    writes_state,
)
from tests.app.worker.test_power import as_grace, change
from tests.app.worker.test_power import google as compute_of
from tests.app.worker.test_restart import later
from tests.app.worker.test_snapshots import ask, google, rows
from tests.parts import MovingClock

pytestmark = pytest.mark.anyio
QUOTA = OperationFailedError("insert: Error 403: Quota 'SNAPSHOTS' exceeded.")
DELETES = tells("planned_change", VM, "delete") + tells("planned_change", DISK, "delete")
MOVES = tells("planned_change", DISK, "replace") + tells("planned_change", VM, "replace")


@pytest.fixture
async def machine(tools: Tools, script: Script) -> str:
    """A workstation that runs, with its data disk."""
    script.on("apply", writes_state(3, disk_gb=100))
    workstation_id, run_id = await spec(tools)
    await execute(tools, run_id)
    return workstation_id


def deletes(script: Script) -> None:
    script.on("plan", DELETES)
    script.on("apply", writes_state(9, empty=True))


def pass_days(tools: Tools, days: float) -> None:
    assert isinstance(tools.clock, MovingClock)
    tools.clock.advance(days=days)


async def set_policy(tools: Tools, rest_days: int) -> None:
    async with as_grace(tools) as ctx:
        await team_policy.change(ctx, TeamPolicy(rest_days=rest_days))


async def destroyed(tools: Tools, machine: str, *, at_once: bool = False) -> Run:
    async with as_grace(tools) as ctx:
        workstation = await ctx.session.get_one(Workstation, machine)
        run_id = (await requests.request_destroy(ctx, workstation, keep_disk=False, at_once=at_once)).id
    await execute(tools, run_id)
    return await run_of(tools, run_id)


async def test_a_deleted_disk_rests_for_so_long_and_no_longer(tools: Tools, script: Script, machine: str) -> None:
    deletes(script)
    run = await destroyed(tools, machine)
    assert run.status is RunStatus.APPLIED, run.error
    log = await log_of(tools, run.id)
    assert log.index("Taking a snapshot of the data disk") < log.index("was taken") < log.index("Destroyed.")
    [row] = await rows(tools)
    assert (row.reason, row.name) == (SnapshotReason.DELETED, f"dev-1-{machine}-{run.id}")
    pass_days(tools, 13.9)
    await periodic.do(tools)
    assert len(await rows(tools)) == 1
    pass_days(tools, 0.2)
    await periodic.do(tools)
    assert (await rows(tools), google(tools).stored) == ([], {})


async def test_what_was_said_at_the_request_counts(tools: Tools, script: Script, machine: str) -> None:
    deletes(script)
    run_id = await ask_destroy(tools, machine)
    await set_policy(tools, 0)
    await execute(tools, run_id)
    [row] = await rows(tools)
    assert row.expires_at is not None


@pytest.mark.parametrize(("rest_days", "at_once"), [(0, False), (14, True)])
async def test_nothing_rests_where_nobody_wants_it(
    tools: Tools, script: Script, machine: str, rest_days: int, at_once: bool
) -> None:
    await set_policy(tools, rest_days)
    deletes(script)
    assert (await destroyed(tools, machine, at_once=at_once)).status is RunStatus.APPLIED
    assert google(tools).requests == []


async def test_a_kept_disk_rests_when_it_is_deleted(tools: Tools, script: Script, machine: str) -> None:
    script.on("plan", tells("planned_change", VM, "delete"))
    script.on("apply", writes_state(7, disk_gb=100))
    await execute(tools, await ask_destroy(tools, machine, keep_disk=True))
    assert (await workstation_of(tools, machine)).disk_kept
    assert await rows(tools) == []

    script.on("plan", tells("planned_change", DISK, "delete"))
    script.on("apply", writes_state(9, empty=True))
    later(tools)
    assert (await destroyed(tools, machine)).status is RunStatus.APPLIED
    assert [row.reason for row in await rows(tools)] == [SnapshotReason.DELETED]
    assert not (await workstation_of(tools, machine)).disk_kept


async def test_a_disk_that_was_to_be_kept_rests_if_its_loss_is_approved(
    tools: Tools, script: Script, machine: str
) -> None:
    script.on("plan", f"{DELETES}echo plan > tfplan\n")
    script.on("apply", writes_state(9, empty=True))
    run_id = await ask_destroy(tools, machine, keep_disk=True)
    await execute(tools, run_id)
    assert (await run_of(tools, run_id)).status is RunStatus.AWAITING_APPROVAL
    assert await rows(tools) == []
    async with as_grace(tools) as ctx:
        run = await runs.find(ctx.session, ctx.member, run_id)
        await decisions.approve(ctx, run, run.confirmations)
    await execute(tools, run_id)
    assert (await run_of(tools, run_id)).status is RunStatus.APPLIED
    assert [row.reason for row in await rows(tools)] == [SnapshotReason.DELETED]


async def test_a_snapshot_that_fails_leaves_all_as_it_was_and_a_retry_takes_one(
    tools: Tools, script: Script, machine: str
) -> None:
    deletes(script)
    google(tools).troubles = [QUOTA]
    run = await destroyed(tools, machine)
    assert run.status is RunStatus.ERRORED
    sentence = "No snapshot of the data disk could be taken before its deletion, so nothing was deleted."
    assert run.error == f"{sentence}\n{QUOTA}"
    assert [call.split()[0] for call in script.calls].count("apply") == 1
    assert not (await workstation_of(tools, machine)).is_destroyed

    async with as_grace(tools) as ctx:
        again = (await decisions.retry(ctx, await runs.find(ctx.session, ctx.member, run.id))).id
    await execute(tools, again)
    assert (await run_of(tools, again)).status is RunStatus.APPLIED
    [row] = await rows(tools)
    assert (row.run_id, row.expires_at is None) == (again, False)


async def test_the_next_worker_adopts_the_snapshot_of_a_lost_one(tools: Tools, script: Script, machine: str) -> None:
    deletes(script)
    run_id = await ask_destroy(tools, machine)
    assert await claims.take(tools, run_id)
    name = f"dev-1-{machine}-{run_id}"
    google(tools).stored[name] = StoredSnapshot(name, True, PRESSED, 100, 5, {"stationmaster-stack": machine})
    await interrupt(tools, run_id)
    await execute(tools, run_id)
    assert (await run_of(tools, run_id)).status is RunStatus.APPLIED
    assert [(row.name, row.storage_bytes) for row in await rows(tools)] == [(name, 5)]


async def test_a_deletion_that_is_canceled_leaves_no_half_snapshot_behind(
    tools: Tools, script: Script, machine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_snapshots, "LOOK_AGAIN_SECONDS", 0.01)
    deletes(script)
    google(tools).waits = 1_000_000
    run_id = await ask_destroy(tools, machine)
    executing = asyncio.create_task(execute(tools, run_id))
    while not google(tools).requests:
        await asyncio.sleep(0.01)
    async with as_grace(tools) as ctx:
        await decisions.cancel(ctx, await runs.find(ctx.session, ctx.member, run_id), CancelMode.UNDO)
    await executing
    assert (await run_of(tools, run_id)).status is RunStatus.CANCELED
    assert (await workstation_of(tools, machine)).status is WorkstationStatus.RUNNING
    assert list(google(tools).stored) == [f"dev-1-{machine}-{run_id}"]
    await periodic.do(tools)
    assert (await rows(tools), google(tools).stored) == ([], {})


async def test_a_disk_that_no_machine_has_used_leaves_no_snapshot(tools: Tools, script: Script) -> None:
    script.on("apply", f"{writes_state(3, disk_gb=100)}{FAILS}")
    workstation_id, run_id = await spec(tools)
    await execute(tools, run_id)
    assert (await workstation_of(tools, workstation_id)).status is WorkstationStatus.FAILED
    script.on("plan", tells("planned_change", DISK, "delete"))
    script.on("apply", writes_state(9, empty=True))
    later(tools)
    assert (await destroyed(tools, workstation_id)).status is RunStatus.APPLIED
    assert google(tools).requests == []


async def test_a_disk_that_somebody_deleted_at_google_does_not_hold_up_the_deletion(
    tools: Tools, script: Script, machine: str
) -> None:
    script.on("plan", tells("planned_change", VM, "delete"))
    script.on("apply", writes_state(9, empty=True))
    google(tools).troubles = [QUOTA]
    assert (await destroyed(tools, machine)).status is RunStatus.APPLIED
    assert await rows(tools) == []


async def test_a_disk_that_goes_between_plan_and_snapshot_does_not_either(
    tools: Tools, script: Script, machine: str
) -> None:
    script.on("plan", tells("planned_change", DISK, "delete"))
    script.on("apply", writes_state(9, empty=True))
    google(tools).troubles = [NotFound("disks/dev-1-home was not found")]
    assert (await destroyed(tools, machine)).status is RunStatus.APPLIED
    assert await rows(tools) == []


async def test_something_else_that_google_does_not_find_is_no_reason_to_delete_the_disk(
    tools: Tools, script: Script, machine: str
) -> None:
    script.on("plan", tells("planned_change", DISK, "delete"))
    google(tools).troubles = [NotFound("The resource 'operations/1' was not found")]
    disk = f"projects/{tools.settings.google_project}/zones/europe-west4-a/disks/dev-1-x-home"
    compute_of(tools).existing[disk] = {}
    before = len(script.calls)
    run = await destroyed(tools, machine)
    assert run.status is RunStatus.ERRORED
    assert "so nothing was deleted" in (run.error or "")
    assert not any(call.startswith("apply") for call in script.calls[before:])


async def test_a_snapshot_before_a_change_expires_but_not_while_a_disk_is_to_be_made_from_it(
    tools: Tools, script: Script, machine: str
) -> None:
    script.on("plan", MOVES)
    # The old disk is deleted, and the new one is not made.
    script.on("apply", f"{writes_state(5)}{FAILS}")
    later(tools)
    failed = await change(tools, machine, zone="europe-west4-b")
    await execute(tools, failed)
    pass_days(tools, 15)
    await periodic.do(tools)
    assert [row.reason for row in await rows(tools)] == [SnapshotReason.CHANGE]

    script.on("plan", tells("planned_change", DISK, "create") + tells("planned_change", VM, "create"))
    script.on("apply", writes_state(7, disk_gb=100))
    later(tools)
    async with as_grace(tools) as ctx:
        again = (await decisions.retry(ctx, await runs.find(ctx.session, ctx.member, failed))).id
    await execute(tools, again)
    assert (await run_of(tools, again)).status is RunStatus.APPLIED
    await periodic.do(tools)
    assert await rows(tools) == []


async def test_snapshots_taken_by_hand_never_expire(tools: Tools, machine: str) -> None:
    await execute(tools, await ask(tools, machine))
    pass_days(tools, 400)
    await periodic.do(tools)
    assert len(await rows(tools)) == 1
