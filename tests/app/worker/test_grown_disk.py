"""A disk that has grown cannot shrink: whatever becomes of the run, nothing that follows would lose it by the way."""

import asyncio
import json

import pytest

from app.models import Run, RunKind, RunStatus, Stack, Workstation
from app.services import runs, workstations
from app.services.keys import machine_keys
from app.services.workstations.specs import WorkstationPatch
from app.worker.claim import Tools
from app.worker.execute import execute
from tests.app.worker.scripted import (
    DISK,
    FAILS,
    VM,
    Script,
    log_of,
    provisioned,
    run_of,
    tells,
    workstation_of,
    writes_state,
)
from tests.app.worker.test_cancel import a_member, begun, cancel
from tests.app.worker.test_rekey import add_key

pytestmark = pytest.mark.anyio
GROWS = writes_state(5, disk_gb=200)


async def grow(tools: Tools, workstation_id: str) -> str:
    """Ask for a larger disk, and for another machine type; returns the run's id."""
    change = WorkstationPatch(disk_size_gb=200, machine_type="e2-standard-8")
    async with tools.database.sessions.begin() as session:
        workstation = await session.get_one(Workstation, workstation_id)
        member = await session.merge(await a_member(tools))
        run = await workstations.request_change(tools.context(session).acting(member), workstation, change)
        return run.id


async def test_a_change_that_fails_after_the_disk_has_grown_leaves_it_grown(tools: Tools, script: Script) -> None:
    workstation_id = await provisioned(tools, script)
    run_id = await grow(tools, workstation_id)
    script.on("plan", tells("planned_change", DISK, "update") + tells("planned_change", VM, "update"))
    script.on("apply", f"{GROWS}{FAILS}")
    await execute(tools, run_id)
    workstation = await workstation_of(tools, workstation_id)
    assert (await run_of(tools, run_id)).status is RunStatus.ERRORED
    assert (workstation.disk_size_gb, workstation.machine_type) == (200, "e2-standard-4")

    rekey = await add_key(tools, workstation_id)
    async with tools.database.sessions.begin() as session:
        run = await session.get_one(Run, rekey)
        await machine_keys.bind(session, run)
        assert (run.inputs["disk_size_gb"], run.inputs["machine_type"]) == (200, "e2-standard-4")


async def test_undoing_leaves_the_disk_as_large_as_it_has_become(tools: Tools, script: Script) -> None:
    workstation_id = await provisioned(tools, script)
    run_id = await grow(tools, workstation_id)
    script.on("plan", tells("planned_change", DISK, "update") + tells("planned_change", VM, "update"))
    script.on("apply", f"touch begun; sleep 0.6; {GROWS}")
    working = asyncio.create_task(execute(tools, run_id))
    await begun(tools, run_id)
    await cancel(tools, run_id)
    undone_to = script.folder / "undone-to.json"
    script.on("plan", tells("planned_change", VM, "update"))
    script.on("apply", f"cp terraform.tfvars.json {undone_to}; {writes_state(6, disk_gb=200)}")
    await working
    inputs = json.loads(undone_to.read_text())
    assert (inputs["disk_size_gb"], inputs["machine_type"]) == (200, "e2-standard-4")
    workstation = await workstation_of(tools, workstation_id)
    assert (await run_of(tools, run_id)).status is RunStatus.CANCELED
    assert (workstation.disk_size_gb, workstation.machine_type) == (200, "e2-standard-4")
    assert "the data disk keeps its new size" in await log_of(tools, run_id)


async def test_a_smaller_disk_that_was_requested_for_and_approved_is_smaller(tools: Tools, script: Script) -> None:
    workstation_id = await provisioned(tools, script)
    async with tools.database.sessions.begin() as session:
        stack = await session.get_one(Stack, workstation_id)
        inputs = {**await runs.last_inputs(session, workstation_id), "disk_size_gb": 50}
        changes = {"disk_size_gb": 50}
        run = await runs.request(tools.context(session), stack, RunKind.UPDATE, inputs, changes)
    script.on("plan", tells("planned_change", VM, "update"))
    script.on("apply", writes_state(5, disk_gb=50))
    await execute(tools, run.id)
    assert (await workstation_of(tools, workstation_id)).disk_size_gb == 50
