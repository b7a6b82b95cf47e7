"""A change that stops its machine and meets a stock-out: it waits like a start, and ends as was requested."""

from dataclasses import replace

import pytest

from app.infra.machines import MachineState, OperationFailedError, Power
from app.models import RunKind, RunStatus, Workstation, WorkstationStatus
from app.services.runs import capacity_queue
from app.worker import claim as claims
from app.worker.claim import Tools
from app.worker.execute import execute
from tests.app.worker.scripted import (
    VM,
    PromptCompute,
    Script,
    interrupt,
    log_of,
    make_tools,
    provisioned,
    run_of,
    tells,
    workstation_of,
    writes_state,
)
from tests.app.worker.test_capacity_wait import STOCK_OUT, cancel, pass_time, request, work
from tests.app.worker.test_power import ask, change, google
from tests.app.worker.test_shortage import A, none_in, seen, tried
from tests.app.worker.test_unasked import plans_to
from tests.parts import MovingClock

pytestmark = pytest.mark.anyio
W, S = WorkstationStatus, RunStatus
BEFORE, AFTER = "e2-standard-4", "e2-standard-8"


class Absent(PromptCompute):
    """The change has deleted the machine, to replace it."""

    is_gone = True

    async def machine(self, zone: str, instance: str) -> MachineState | None:
        return None if self.is_gone else await super().machine(zone, instance)


async def changed(
    tools: Tools, script: Script, wait_hours: int = 24, workstation_id: str | None = None
) -> tuple[str, str]:
    """A machine whose change has met a stock-out; returns the ids of the workstation and the run."""
    workstation_id = workstation_id or await provisioned(tools, script)
    async with tools.database.sessions.begin() as session:
        (await session.get_one(Workstation, workstation_id)).wait_hours = wait_hours
    plans_to(script, "update", machine_type=(BEFORE, AFTER))
    script.on("apply", writes_state(5) + none_in(A))
    run_id = await change(tools, workstation_id, machine_type=AFTER)
    google(tools).status = "TERMINATED"
    google(tools).reset_troubles = [OperationFailedError(STOCK_OUT)] * 100
    await execute(tools, run_id)
    # Google has set the machine type before the start failed, so there is nothing left to plan.
    script.on("plan", "true")
    return workstation_id, run_id


def applies(script: Script) -> int:
    """How often Terraform has changed something."""
    return sum(call.startswith("apply") for call in script.calls)


async def test_it_goes_on_when_there_is_capacity_and_the_machine_is_as_was_requested(
    tools: Tools, script: Script, clock: MovingClock
) -> None:
    workstation_id, run_id = await changed(tools, script)
    waiting, meanwhile = await run_of(tools, run_id), await workstation_of(tools, workstation_id)
    await pass_time(tools, clock, hours=10)
    later = await run_of(tools, run_id)
    google(tools).reset_troubles = []
    await pass_time(tools, clock, hours=1)
    after, run = await workstation_of(tools, workstation_id), await run_of(tools, run_id)

    assert (waiting.is_waiting, meanwhile.status, meanwhile.machine_type) == (True, W.WAITING_FOR_CAPACITY, BEFORE)
    assert (later.is_waiting, later.rounds > 10, len(later.tried)) == (True, True, 1)
    assert await tried(tools, run_id) == []
    assert (run.status, after.status, after.machine_type) == (S.APPLIED, W.RUNNING, AFTER), run.error
    assert google(tools).orders == [Power.START]
    assert await seen(tools, AFTER) == {(A, False): True}


async def test_a_machine_that_had_to_be_replaced_is_created_when_there_is_capacity(
    tools: Tools, script: Script, clock: MovingClock
) -> None:
    compute = Absent(tools.settings)
    compute.is_gone = False
    tools = replace(tools, compute=compute)
    workstation_id = await provisioned(tools, script)
    async with tools.database.sessions.begin() as session:
        (await session.get_one(Workstation, workstation_id)).wait_hours = 24
    plans_to(script, "replace")
    script.on("apply", writes_state(5) + none_in(A))
    run_id = await change(tools, workstation_id, machine_type="g2-standard-4")
    compute.is_gone = True
    await work(tools)
    waiting = await run_of(tools, run_id)
    script.on("plan", "echo plan > tfplan\n" + tells("planned_change", VM, "create"))
    script.on("show", "echo '{}'")
    script.on("apply", writes_state(7))
    compute.is_gone = False
    await pass_time(tools, clock, hours=0.5)
    after = await workstation_of(tools, workstation_id)

    assert waiting.is_waiting, waiting.error
    assert (await run_of(tools, run_id)).status is S.APPLIED
    assert (after.status, after.machine_type, compute.orders) == (W.RUNNING, "g2-standard-4", [])


async def test_without_a_wish_to_wait_it_fails(tools: Tools, script: Script) -> None:
    workstation_id, run_id = await changed(tools, script, wait_hours=0)
    run = await run_of(tools, run_id)

    assert (run.status, (await workstation_of(tools, workstation_id)).status) == (S.ERRORED, W.FAILED)
    assert "could not be started again" in (run.error or "")
    assert await tried(tools, run_id) == [f"{AFTER} in {A}"]


async def test_after_its_time_it_fails_with_what_google_said(tools: Tools, script: Script, clock: MovingClock) -> None:
    workstation_id, run_id = await changed(tools, script, wait_hours=4)
    await pass_time(tools, clock, hours=4)
    run = await run_of(tools, run_id)

    assert (run.status, (await workstation_of(tools, workstation_id)).status) == (S.ERRORED, W.FAILED)
    assert "does not have enough resources" in (run.error or "")


async def test_a_canceled_one_is_rolled_back_and_leaves_the_machine_stopped(tools: Tools, script: Script) -> None:
    workstation_id, run_id = await changed(tools, script)
    plans_to(script, "update", machine_type=(AFTER, BEFORE))
    script.on("apply", writes_state(7))
    await cancel(tools, run_id)
    await work(tools)
    after = await workstation_of(tools, workstation_id)

    assert (await run_of(tools, run_id)).status is S.CANCELED
    assert (after.status, after.machine_type, google(tools).orders) == (W.STOPPED, BEFORE, [])
    assert "The machine is stopped.\nCanceled and rolled back." in await log_of(tools, run_id)
    google(tools).reset_troubles = []
    await execute(tools, await ask(tools, workstation_id, RunKind.START))
    assert (await workstation_of(tools, workstation_id)).status is W.RUNNING


async def test_another_change_takes_its_place_and_begins_with_what_is_applied(
    tools: Tools, script: Script, clock: MovingClock
) -> None:
    workstation_id, run_id = await changed(tools, script)
    plans_to(script, "update", machine_type=(AFTER, "e2-standard-16"))
    script.on("apply", writes_state(7))
    google(tools).reset_troubles = []
    clock.advance(seconds=1)
    newer = await change(tools, workstation_id, machine_type="e2-standard-16")
    await execute(tools, newer)
    after, run = await workstation_of(tools, workstation_id), await run_of(tools, run_id)

    assert (run.status, run.superseded_by, run.has_changed_anything) == (S.SUPERSEDED, newer, True)
    assert (await run_of(tools, newer)).status is S.APPLIED
    assert (after.status, after.machine_type, google(tools).orders) == (W.RUNNING, "e2-standard-16", [Power.START])


async def test_whoever_asks_later_for_the_same_waits_behind_it(
    tools: Tools, script: Script, clock: MovingClock
) -> None:
    _, run_id = await changed(tools, script)
    applied = applies(script)
    clock.advance(seconds=30)
    _, behind = await request(tools, "linus", machine_type=AFTER, other_zones="none")
    await execute(tools, behind)
    async with tools.database.sessions() as session:
        ahead = [await capacity_queue.ahead(session, await run_of(tools, each)) for each in (run_id, behind)]

    assert ((await run_of(tools, behind)).is_waiting, applies(script), ahead) == (True, applied, [0, 1])


async def test_it_waits_behind_whoever_has_waited_longer_for_the_same(
    tools: Tools, script: Script, clock: MovingClock
) -> None:
    workstation_id = await provisioned(tools, script)
    script.on("plan", "true")
    script.on("apply", none_in(A))
    _, first = await request(tools, "linus", machine_type=AFTER, other_zones="none")
    await work(tools)
    assert (await run_of(tools, first)).is_waiting
    clock.advance(seconds=10)
    _, run_id = await changed(tools, script, workstation_id=workstation_id)
    calls = len(script.calls)
    clock.advance(minutes=1)
    await execute(tools, run_id)
    run = await run_of(tools, run_id)

    assert (run.is_waiting, len(script.calls)) == (True, calls)
    async with tools.database.sessions() as session:
        assert await capacity_queue.ahead(session, run) == 1


async def test_a_worker_that_is_lost_during_a_try_keeps_its_place(
    tools: Tools, script: Script, clock: MovingClock
) -> None:
    workstation_id, run_id = await changed(tools, script)
    since = (await run_of(tools, run_id)).waiting_since
    clock.advance(minutes=2)
    assert await claims.take(tools, run_id)
    await interrupt(tools, run_id)
    another = make_tools(tools.settings, tools.database, clock, "worker-2", "host-2")
    google(another).status = "TERMINATED"
    google(another).reset_troubles = [OperationFailedError(STOCK_OUT)]
    clock.advance(minutes=1)
    await execute(another, run_id)
    waiting = await run_of(tools, run_id)
    await pass_time(another, clock, hours=0.5)

    assert (waiting.is_waiting, waiting.waiting_since) == (True, since)
    assert (await run_of(tools, run_id)).status is S.APPLIED
    assert (await workstation_of(tools, workstation_id)).machine_type == AFTER
