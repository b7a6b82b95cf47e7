"""Google takes six snapshots of a disk an hour: a run that needs one waits, and what can do without one fails."""

import asyncio
from dataclasses import replace

import pytest
from google.api_core.exceptions import TooManyRequests

from app.models import RunKind, RunStatus, SnapshotReason, WorkstationStatus
from app.services.runs import last_error
from app.worker.claim import Tools
from app.worker.execute import execute
from tests.app.worker.scripted import Script, ask_destroy, log_of, run_of, spec, workstation_of, writes_state
from tests.app.worker.test_capacity_wait import cancel
from tests.app.worker.test_deleted_disks import deletes
from tests.app.worker.test_full_disk import HurriedClock
from tests.app.worker.test_power import change
from tests.app.worker.test_snapshots import ask, google, rows
from tests.app.worker.test_unasked import plans_to

pytestmark = pytest.mark.anyio
TOO_MANY = "Operation rate exceeded for resource 'disks/x'. Too frequent operations from the source resource."
S = RunStatus


@pytest.fixture
async def machine(tools: Tools, script: Script) -> str:
    """A workstation with its data disk, of which Google takes no snapshot: more often than other errors are retried."""
    script.on("apply", writes_state(3, disk_gb=100))
    workstation_id, run_id = await spec(tools)
    await execute(tools, run_id)
    google(tools).troubles = [TooManyRequests(TOO_MANY) for _ in range(6)]
    return workstation_id


async def test_a_deletion_waits_until_google_takes_the_next(tools: Tools, script: Script, machine: str) -> None:
    deletes(script)
    run_id = await ask_destroy(tools, machine)
    await execute(replace(tools, clock=HurriedClock()), run_id)
    run = await run_of(tools, run_id)

    assert (run.status, run.retries) == (S.APPLIED, 0), run.error
    assert [row.reason for row in await rows(tools)] == [SnapshotReason.DELETED]
    told = await log_of(tools, run_id)
    assert told.count("The run continues with the next one. Trying again in 300 s.") == 6


async def test_a_change_of_the_disk_waits_too(tools: Tools, script: Script, machine: str) -> None:
    plans_to(script, "update")
    script.on("apply", writes_state(5, disk_gb=200))
    run_id = await change(tools, machine, disk_size_gb=200)
    await execute(replace(tools, clock=HurriedClock()), run_id)

    assert (await run_of(tools, run_id)).status is S.APPLIED
    assert [row.reason for row in await rows(tools)] == [SnapshotReason.CHANGE]


async def test_it_holds_no_slot_says_when_it_tries_again_and_can_be_canceled(
    tools: Tools, script: Script, machine: str
) -> None:
    deletes(script)
    run_id = await ask_destroy(tools, machine)
    executing = asyncio.create_task(execute(tools, run_id))
    while not (await run_of(tools, run_id)).is_retrying:
        await asyncio.sleep(0.01)
    waiting = await run_of(tools, run_id)
    async with tools.database.sessions() as session:
        why = await last_error(session, waiting)
    is_busy = tools.slots.are_all_taken
    await cancel(tools, run_id)
    await executing

    assert waiting.retry_at
    assert (waiting.retry_at - tools.clock()).total_seconds() == 300
    assert (why, is_busy) == ("Google takes six snapshots of a disk an hour at most.", False)
    assert (await run_of(tools, run_id)).status is S.CANCELED
    assert (await workstation_of(tools, machine)).status is WorkstationStatus.RUNNING


async def test_one_taken_by_hand_fails_so_that_nothing_waits_behind_it(tools: Tools, machine: str) -> None:
    run_id = await ask(tools, machine)
    await execute(replace(tools, clock=HurriedClock()), run_id)
    run = await run_of(tools, run_id)

    assert (run.kind, run.status, run.retries) == (RunKind.SNAPSHOT, S.ERRORED, 5)
