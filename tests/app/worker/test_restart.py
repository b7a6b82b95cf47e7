"""A restart: pressed once, waited for as a new machine is, and never taken for what an earlier boot said."""

from dataclasses import replace

import pytest
from google.api_core.exceptions import BadRequest, ServiceUnavailable

from app.errors import ConflictError
from app.models import Member, RunKind, RunStatus, Workstation, WorkstationStatus
from app.services import decisions, machine_keys, runs, workstations
from app.worker.claim import Tools
from app.worker.execute import execute
from tests.app.worker.conftest import (
    PromptCompute,
    Script,
    log_of,
    provisioned,
    run_of,
    workstation_of,
)
from tests.app.worker.test_recover import HurriedClock
from tests.app.worker.test_rekey import add_key

pytestmark = pytest.mark.anyio
AGAIN = "ready 2026-01-05T13:00:10.000Z"


def google(tools: Tools, *, says: str, within: int = 5) -> tuple[Tools, PromptCompute]:
    """Where the machine says this after the button was pressed; it has so many seconds to arrive."""
    compute = PromptCompute(tools.settings)
    compute.told["boot-stage"] = says
    settings = tools.settings.model_copy(update={"boot_timeout": within})
    return replace(tools, compute=compute, settings=settings), compute


async def ask(tools: Tools, workstation_id: str) -> str:
    async with tools.database.sessions.begin() as session:
        workstation = await session.get_one(Workstation, workstation_id)
        owner = await session.get_one(Member, workstation.owner_id)
        return (await workstations.request_restart(session, workstation, owner, tools.clock())).id


async def test_the_button_is_pressed_and_the_machine_runs_again(tools: Tools, script: Script) -> None:
    workstation_id = await provisioned(tools, script)
    calls = len(script.calls)
    tools, compute = google(tools, says=AGAIN)
    run_id = await ask(tools, workstation_id)
    await execute(tools, run_id)
    run, workstation = await run_of(tools, run_id), await workstation_of(tools, workstation_id)
    assert (run.kind, run.status) == (RunKind.RESTART, RunStatus.APPLIED)
    assert (workstation.status, workstation.report["boot-stage"]) == (WorkstationStatus.RUNNING, AGAIN)
    assert len(compute.reset) == 1
    assert len(script.calls) == calls
    assert "has been reset" in await log_of(tools, run_id)


async def test_what_the_boot_before_said_does_not_count(tools: Tools, script: Script) -> None:
    workstation_id = await provisioned(tools, script)
    tools, _ = google(tools, says="ready 2026-01-05T12:59:59.000Z", within=1)
    run_id = await ask(tools, workstation_id)
    await execute(tools, run_id)
    run = await run_of(tools, run_id)
    assert run.status is RunStatus.ERRORED
    assert "did not say that it has booted" in (run.error or "")
    assert (await workstation_of(tools, workstation_id)).can_restart


async def test_a_worker_that_is_lost_leaves_no_second_press(tools: Tools, script: Script) -> None:
    workstation_id = await provisioned(tools, script)
    tools, compute = google(tools, says="", within=60)
    run_id = await ask(tools, workstation_id)
    leaving = replace(tools)
    leaving.leaving.set()
    await execute(leaving, run_id)
    assert (await run_of(tools, run_id)).status is RunStatus.INTERRUPTED
    leaving.leaving.clear()
    compute.told["boot-stage"] = AGAIN
    await execute(tools, run_id)
    assert (await run_of(tools, run_id)).status is RunStatus.APPLIED
    # Google does nothing the second time: it is the same request.
    assert len(compute.reset) == 2
    assert len(set(compute.reset)) == 1


async def test_trouble_that_passes_is_waited_out_and_a_refusal_ends_it(tools: Tools, script: Script) -> None:
    workstation_id = await provisioned(tools, script)
    tools, compute = google(tools, says=AGAIN)
    hurried = HurriedClock()
    hurried.step = 60
    tools = replace(tools, clock=hurried)
    compute.reset_troubles = [ServiceUnavailable("come back later")]
    run_id = await ask(tools, workstation_id)
    await execute(tools, run_id)
    assert ((await run_of(tools, run_id)).status, (await run_of(tools, run_id)).retries) == (RunStatus.APPLIED, 1)
    assert "come back later" in await log_of(tools, run_id)
    compute.reset_troubles = [BadRequest("The resource is not ready")]
    refused = await ask(tools, workstation_id)
    await execute(tools, refused)
    run = await run_of(tools, refused)
    assert (run.status, "The resource is not ready" in (run.error or "")) == (RunStatus.ERRORED, True)


async def test_it_brings_no_keys_and_hides_none_that_came_before(tools: Tools, script: Script) -> None:
    workstation_id = await provisioned(tools, script)
    tools, _ = google(tools, says=AGAIN)
    run_id = await ask(tools, workstation_id)
    await add_key(tools, workstation_id)
    await execute(tools, run_id)
    async with tools.database.sessions() as session:
        workstation = await session.get_one(Workstation, workstation_id)
        owner = await session.get_one(Member, workstation.owner_id)
        [keys] = await machine_keys.of_member(session, owner)
        assert (keys.is_up_to_date, len(keys.certain), len(keys.wanted)) == (False, 1, 2)
        assert (await runs.pending(session, workstation_id))[-1].kind is RunKind.REKEY


async def test_it_is_refused_while_something_else_is_to_be_done_and_joined_while_under_way(
    tools: Tools, script: Script
) -> None:
    workstation_id = await provisioned(tools, script)
    run_id = await ask(tools, workstation_id)
    assert await ask(tools, workstation_id) == run_id
    async with tools.database.sessions.begin() as session:
        workstation = await session.get_one(Workstation, workstation_id)
        owner = await session.get_one(Member, workstation.owner_id)
        run = await runs.find(session, owner, run_id)
        await decisions.cancel(session, run, owner, run.cancel_choices[0], tools.clock())
        await workstations.request_destroy(session, workstation, owner, tools.clock(), keep_disk=True)
    with pytest.raises(ConflictError, match="is being destroyed"):
        await ask(tools, workstation_id)


async def test_once_begun_it_cannot_be_called_back(tools: Tools, script: Script) -> None:
    workstation_id = await provisioned(tools, script)
    tools, _ = google(tools, says="")
    run_id = await ask(tools, workstation_id)
    tools.leaving.set()
    await execute(tools, run_id)
    tools.leaving.clear()
    run = await run_of(tools, run_id)
    assert (run.has_changed_anything, run.cancel_choices) == (True, ())
