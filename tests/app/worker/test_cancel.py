"""Cancelling at each stage, and what is undone."""

import asyncio

import pytest

from app.models import CancelMode, Member, RunStatus, Workstation, WorkstationStatus
from app.services import decisions, runs
from app.services.people import members
from app.worker.claim import Tools
from app.worker.execute import execute
from tests.app.worker.scripted import (
    DISK,
    VM,
    Script,
    ask_destroy,
    log_of,
    provisioned,
    run_of,
    spec,
    tells,
    workstation_of,
    writes_state,
)
from tests.parts import identity

pytestmark = pytest.mark.anyio
STOPPED = "trap 'echo \"{}\"; exit 1' INT; touch begun; i=0; while [ $i -lt 200 ]; do sleep 0.05; i=$((i+1)); done\n"


async def cancel(tools: Tools, run_id: str, mode: CancelMode = CancelMode.UNDO) -> None:
    async with tools.database.sessions.begin() as session:
        grace = await members.sign_in(tools.context(session), identity("grace"))
        await decisions.cancel(tools.context(session).acting(grace), await runs.find(session, grace, run_id), mode)


async def begun(tools: Tools, run_id: str) -> None:
    """Until the script of the command that runs has made its mark."""
    mark = tools.settings.data_dir / "worker" / "runs" / run_id / "work" / "begun"
    async with asyncio.timeout(10):
        while not mark.exists():
            await asyncio.sleep(0.02)
    mark.unlink()


def destroys(script: Script) -> None:
    """From here on a plan deletes the disk, and its apply leaves nothing."""
    script.on("plan", tells("planned_change", DISK, "delete"))
    script.on("apply", writes_state(50, empty=True))


async def test_an_apply_goes_on_to_its_end_and_is_then_undone(tools: Tools, script: Script) -> None:
    script.on("apply", f"touch begun; sleep 0.6; {writes_state(3)}")
    workstation_id, run_id = await spec(tools)
    working = asyncio.create_task(execute(tools, run_id))
    await begun(tools, run_id)
    await cancel(tools, run_id)
    destroys(script)
    await working
    assert (await run_of(tools, run_id)).status is RunStatus.CANCELED
    assert (await workstation_of(tools, workstation_id)).status is WorkstationStatus.DESTROYED
    assert "-destroy" in script.calls[-3]
    assert "Asked Terraform to stop." not in await log_of(tools, run_id)


async def adopts(tools: Tools, workstation_id: str) -> None:
    """Its disk was there before the portal."""
    async with tools.database.sessions.begin() as session:
        (await session.get_one(Workstation, workstation_id)).adopted_disk = "persistent-disk-grace"


async def test_undoing_keeps_a_disk_that_was_taken_over(tools: Tools, script: Script) -> None:
    script.on("apply", f"touch begun; sleep 0.6; {writes_state(3)}")
    workstation_id, run_id = await spec(tools)
    await adopts(tools, workstation_id)
    working = asyncio.create_task(execute(tools, run_id))
    await begun(tools, run_id)
    await cancel(tools, run_id)
    script.on("plan", tells("planned_change", VM, "delete"))
    script.on("apply", writes_state(50))
    await working
    assert (await run_of(tools, run_id)).status is RunStatus.CANCELED
    assert not any("-destroy" in call for call in script.calls)
    workstation = await workstation_of(tools, workstation_id)
    assert (workstation.status, workstation.disk_kept) == (WorkstationStatus.DESTROYED, True)


async def test_cancelled_before_it_began_a_disk_that_was_taken_over_is_kept(tools: Tools) -> None:
    workstation_id, run_id = await spec(tools)
    await adopts(tools, workstation_id)
    await cancel(tools, run_id)
    workstation = await workstation_of(tools, workstation_id)
    assert (workstation.status, workstation.disk_kept) == (WorkstationStatus.DESTROYED, True)


async def test_at_once_means_one_interrupt_then_adoption_and_undoing(tools: Tools, script: Script) -> None:
    script.on("apply", STOPPED)
    workstation_id, run_id = await spec(tools)
    working = asyncio.create_task(execute(tools, run_id))
    await begun(tools, run_id)
    await cancel(tools, run_id, CancelMode.NOW)
    await asyncio.sleep(0)
    destroys(script)
    await working
    told = await log_of(tools, run_id)
    assert told.count("Asked Terraform to stop.") == 1
    assert (
        told.index("Asked Terraform to stop.")
        < told.index("Checking Google for resources")
        < told.index("and rolled back")
    )
    assert (await run_of(tools, run_id)).status is RunStatus.CANCELED
    assert (await workstation_of(tools, workstation_id)).status is WorkstationStatus.DESTROYED


async def test_force_kills_what_does_not_listen_and_the_undoing_goes_on(tools: Tools, script: Script) -> None:
    script.on("apply", "trap '' INT; touch begun; while true; do sleep 0.05; done")
    _, run_id = await spec(tools)
    working = asyncio.create_task(execute(tools, run_id))
    await begun(tools, run_id)
    await cancel(tools, run_id, CancelMode.NOW)
    destroys(script)
    await cancel(tools, run_id, CancelMode.FORCE)
    await working
    assert (await run_of(tools, run_id)).status is RunStatus.CANCELED
    assert (await log_of(tools, run_id)).count("Killing Terraform, as requested.") == 1


async def test_a_plan_is_interrupted_and_nothing_is_undone(tools: Tools, script: Script) -> None:
    workstation_id = await provisioned(tools, script)
    script.on("plan", STOPPED)
    run_id = await ask_destroy(tools, workstation_id)
    working = asyncio.create_task(execute(tools, run_id))
    await begun(tools, run_id)
    await cancel(tools, run_id)
    await working
    assert (await run_of(tools, run_id)).status is RunStatus.CANCELED
    assert (await workstation_of(tools, workstation_id)).status is WorkstationStatus.RUNNING
    assert script.calls[-1].startswith("plan")


async def test_a_destroy_that_was_stopped_is_not_undone(tools: Tools, script: Script) -> None:
    workstation_id = await provisioned(tools, script)
    script.on("plan", tells("planned_change", VM, "delete"))
    script.on("apply", STOPPED)
    run_id = await ask_destroy(tools, workstation_id)
    working = asyncio.create_task(execute(tools, run_id))
    await begun(tools, run_id)
    await cancel(tools, run_id, CancelMode.NOW)
    await working
    assert (await run_of(tools, run_id)).status is RunStatus.CANCELED
    assert (await workstation_of(tools, workstation_id)).status is WorkstationStatus.FAILED
    assert script.calls[-1].startswith("apply")


async def test_a_request_that_came_while_nobody_held_the_run_is_heeded_by_the_next_worker(
    tools: Tools, script: Script
) -> None:
    script.on("apply", f"touch begun; sleep 0.3; {writes_state(3)}")
    workstation_id, run_id = await spec(tools)
    working = asyncio.create_task(execute(tools, run_id))
    await begun(tools, run_id)
    async with tools.database.sessions.begin() as session:
        (await runs.find(session, await a_member(tools), run_id)).interrupt(tools.clock())
    await cancel(tools, run_id)
    await working
    destroys(script)
    await execute(tools, run_id)
    assert (await run_of(tools, run_id)).status is RunStatus.CANCELED
    assert (await workstation_of(tools, workstation_id)).status is WorkstationStatus.DESTROYED


async def a_member(tools: Tools) -> Member:
    async with tools.database.sessions.begin() as session:
        return await members.sign_in(tools.context(session), identity("grace"))
