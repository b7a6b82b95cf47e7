"""A disk that is full: the run waits for space, says where it is missing, and goes on from the newest state.

/dev/full answers every write as a full disk does; a link to it stands where a program writes.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from app.models import RunStatus, StateVersion
from app.worker.claim import Tools
from app.worker.execute import execute
from app.worker.retry import BACK_OFF_SECONDS
from tests.app.worker.scripted import VM, Script, log_of, run_of, spec, state, tells, workstation_of, writes_state
from tests.parts import MovingClock

pytestmark = pytest.mark.anyio
FULL = Path("/dev/full")
WAITS = len(BACK_OFF_SECONDS) + 2
"""More than a run is tried again after trouble of another kind."""


class HurriedClock(MovingClock):
    """An hour goes by with every look."""

    def __call__(self) -> datetime:
        return self.advance(hours=1)


@pytest.fixture
def clock() -> HurriedClock:
    return HurriedClock()


def work_of(tools: Tools, run_id: str) -> Path:
    return tools.settings.data_dir.resolve() / "worker" / "runs" / run_id / "work"


async def until(condition: Callable[[], Awaitable[object]]) -> None:
    async with asyncio.timeout(60):
        while not await condition():
            await asyncio.sleep(0.05)


async def test_it_is_waited_for_space_however_long_and_the_folder_is_named(tools: Tools, script: Script) -> None:
    script.on("apply", writes_state(3))
    workstation_id, run_id = await spec(tools)
    work = work_of(tools, run_id)
    work.mkdir(parents=True)
    (work / "terraform.tfvars.json.new").symlink_to(FULL)

    async def has_waited() -> bool:
        return (await log_of(tools, run_id)).count("Trying again in") >= WAITS

    running = asyncio.create_task(execute(tools, run_id))
    await until(has_waited)
    run = await run_of(tools, run_id)
    assert (run.status, run.attempt, run.retries) == (RunStatus.PLANNING, 1, 0)
    told = await log_of(tools, run_id)
    assert re.search(r"The disk is full: /\S+ has [\d.]+ MB left", told)
    assert "The run continues when there is space. Trying again in 60 s." in told
    (work / "terraform.tfvars.json.new").unlink()
    await running
    assert (await run_of(tools, run_id)).status is RunStatus.APPLIED
    assert (await workstation_of(tools, workstation_id)).address


async def test_full_in_mid_apply_the_state_is_taken_from_where_terraform_left_it(tools: Tools, script: Script) -> None:
    torn = f": > terraform.tfstate; cat > errored.tfstate <<'END'\n{state(5, disk_gb=50)}\nEND\n"
    script.on("apply", f"{torn} head -c 1 /dev/zero > /dev/full || exit 1")
    script.on("plan", tells("planned_change", VM, "update"))
    _, run_id = await spec(tools)
    running = asyncio.create_task(execute(tools, run_id))

    async def waits() -> bool:
        return "The disk is full" in await log_of(tools, run_id)

    await until(waits)
    script.on("apply", writes_state(6, disk_gb=50))
    await running
    run = await run_of(tools, run_id)
    assert (run.status, run.attempt, run.retries) == (RunStatus.APPLIED, 1, 0)
    async with tools.database.sessions() as session:
        serials = list(await session.scalars(select(StateVersion.serial).order_by(StateVersion.number)))
    assert serials == [5, 6]


async def test_another_error_of_the_system_is_tried_again_a_few_times(tools: Tools, script: Script) -> None:
    _, run_id = await spec(tools)
    work = work_of(tools, run_id)
    work.parent.mkdir(parents=True)
    work.write_text("a file where the folder should be")
    await execute(tools, run_id)
    run = await run_of(tools, run_id)
    assert (run.status, run.attempt, run.retries) == (RunStatus.ERRORED, 1, len(BACK_OFF_SECONDS))
    assert run.error
    assert str(work) in run.error
