"""Starts and stops: ordered once of Google, and the machine's status is what Google made of it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from app.errors import ConflictError
from app.infra.machines import OperationFailedError, Power
from app.models import RunKind, RunStatus, WorkstationStatus
from app.services import workstations
from app.services.context import Context
from app.services.people import members
from app.services.workstations import orders
from app.services.workstations.specs import WorkstationPatch
from app.worker import claim as claims
from app.worker.claim import Tools
from app.worker.execute import execute
from tests.app.worker.scripted import (
    FAILS,
    HOST_KEYS,
    PromptCompute,
    Script,
    ask_destroy,
    log_of,
    provisioned,
    run_of,
    tells,
    workstation_of,
    writes_state,
)
from tests.app.worker.test_restart import hurried
from tests.app.worker.test_unasked import plans_to
from tests.parts import identity

pytestmark = pytest.mark.anyio
W = WorkstationStatus


@asynccontextmanager
async def as_grace(tools: Tools) -> AsyncIterator[Context]:
    async with tools.database.sessions.begin() as session:
        ctx = tools.context(session)
        yield ctx.acting(await members.sign_in(ctx, identity("grace")))


async def ask(tools: Tools, workstation_id: str, kind: RunKind) -> str:
    async with as_grace(tools) as ctx:
        workstation = await workstations.find(ctx.session, ctx.member, workstation_id)
        return (await orders.request(ctx, workstation, kind)).id


async def change(tools: Tools, workstation_id: str, **fields: object) -> str:
    async with as_grace(tools) as ctx:
        workstation = await workstations.find(ctx.session, ctx.member, workstation_id)
        patch = WorkstationPatch.model_validate(fields)
        return (await workstations.request_change(ctx, workstation, patch)).id


async def stopped(tools: Tools, script: Script) -> str:
    workstation_id = await provisioned(tools, script)
    await execute(tools, await ask(tools, workstation_id, RunKind.STOP))
    return workstation_id


def google(tools: Tools) -> PromptCompute:
    assert isinstance(tools.compute, PromptCompute)
    return tools.compute


async def test_a_stopped_machine_keeps_its_address_and_host_keys_and_starts_with_them(
    tools: Tools, script: Script
) -> None:
    workstation_id = await stopped(tools, script)
    off = await workstation_of(tools, workstation_id)
    assert (off.status, off.is_off, off.orders, off.can_connect) == (W.STOPPED, True, [RunKind.START], False)
    run_id = await ask(tools, workstation_id, RunKind.START)
    await execute(tools, run_id)
    on = await workstation_of(tools, workstation_id)
    assert (await run_of(tools, run_id)).status is RunStatus.APPLIED
    assert (on.status, on.address, on.host_keys) == (W.RUNNING, off.address, HOST_KEYS)
    assert google(tools).orders == [Power.STOP, Power.START]
    assert [call.split()[0] for call in script.calls] == ["apply"]


async def test_a_stop_during_a_start_is_queued_and_a_start_takes_its_place(tools: Tools, script: Script) -> None:
    workstation_id = await stopped(tools, script)
    start = await ask(tools, workstation_id, RunKind.START)
    assert await ask(tools, workstation_id, RunKind.START) == start
    assert await claims.take(tools, start)
    assert (await workstation_of(tools, workstation_id)).status is W.STARTING
    stop = await ask(tools, workstation_id, RunKind.STOP)
    assert (await run_of(tools, stop)).is_queued
    with pytest.raises(ConflictError, match="cannot restart"):
        await ask(tools, workstation_id, RunKind.RESTART)
    assert await ask(tools, workstation_id, RunKind.STOP) == stop


@pytest.mark.parametrize(("kind", "sentence"), [(RunKind.START, "cannot start while"), (RunKind.RESTART, None)])
async def test_what_runs_is_not_started(tools: Tools, script: Script, kind: RunKind, sentence: str | None) -> None:
    workstation_id = await provisioned(tools, script)
    if sentence:
        with pytest.raises(ConflictError, match=sentence):
            await ask(tools, workstation_id, kind)
    else:
        assert await ask(tools, workstation_id, kind)


async def test_a_start_that_google_has_no_capacity_for_leaves_the_machine_stopped(tools: Tools, script: Script) -> None:
    workstation_id = await stopped(tools, script)
    stock_out = "start: Error 503: The zone does not have enough resources available. ZONE_RESOURCE_POOL_EXHAUSTED"
    google(tools).reset_troubles = [OperationFailedError(stock_out)]
    run_id = await ask(tools, workstation_id, RunKind.START)
    await execute(tools, run_id)
    run = await run_of(tools, run_id)
    assert (run.status, run.error) == (RunStatus.ERRORED, stock_out)
    assert (await workstation_of(tools, workstation_id)).status is W.STOPPED
    assert run.can_retry


async def test_a_stop_is_ordered_once_however_often_its_answer_is_lost(tools: Tools, script: Script) -> None:
    workstation_id = await provisioned(tools, script)
    tools = hurried(tools)
    google(tools).answers_lost = 1
    run_id = await ask(tools, workstation_id, RunKind.STOP)
    await execute(tools, run_id)
    assert (await run_of(tools, run_id)).status is RunStatus.APPLIED
    assert len(set(google(tools).reset)) == 1
    assert (await workstation_of(tools, workstation_id)).status is W.STOPPED


async def test_a_change_of_a_stopped_machine_leaves_it_stopped(tools: Tools, script: Script) -> None:
    workstation_id = await stopped(tools, script)
    plans_to(script, "update", machine_type=("e2-standard-4", "e2-standard-8"))
    script.on("apply", writes_state(5))
    run_id = await change(tools, workstation_id, machine_type="e2-standard-8")
    await execute(tools, run_id)
    workstation = await workstation_of(tools, workstation_id)
    assert (workstation.status, workstation.machine_type) == (W.STOPPED, "e2-standard-8")
    assert google(tools).orders == [Power.STOP]
    assert "stopped, as it was before" in await log_of(tools, run_id)


@pytest.mark.parametrize("succeeds", [True, False])
async def test_a_machine_that_ran_runs_again_after_a_change_that_stopped_it(
    tools: Tools, script: Script, succeeds: bool
) -> None:
    workstation_id = await provisioned(tools, script)
    plans_to(script, "update", machine_type=("e2-standard-4", "e2-standard-8"))
    script.on("apply", writes_state(5) if succeeds else FAILS)
    run_id = await change(tools, workstation_id, machine_type="e2-standard-8")
    google(tools).status = "TERMINATED"
    await execute(tools, run_id)
    assert google(tools).orders == [Power.START]
    expected = (RunStatus.APPLIED, W.RUNNING) if succeeds else (RunStatus.ERRORED, W.FAILED)
    assert ((await run_of(tools, run_id)).status, (await workstation_of(tools, workstation_id)).status) == expected


async def test_a_cancelled_change_of_a_stopped_machine_leaves_it_stopped(tools: Tools, script: Script) -> None:
    workstation_id = await stopped(tools, script)
    script.on("plan", "echo plan > tfplan\n" + tells("planned_change", "module.x.google_compute_disk.data", "replace"))
    run_id = await change(tools, workstation_id, disk_size_gb=50)
    await execute(tools, run_id)
    assert (await run_of(tools, run_id)).status is RunStatus.AWAITING_APPROVAL
    assert (await workstation_of(tools, workstation_id)).status is W.STOPPED


async def test_a_stopped_machine_can_be_destroyed(tools: Tools, script: Script) -> None:
    workstation_id = await stopped(tools, script)
    script.on("plan", "true")
    script.on("apply", writes_state(9, empty=True))
    await execute(tools, await ask_destroy(tools, workstation_id))
    assert (await workstation_of(tools, workstation_id)).status is W.DESTROYED


async def test_a_start_needs_no_slot(tools: Tools, script: Script) -> None:
    workstation_id = await stopped(tools, script)
    run_id = await ask(tools, workstation_id, RunKind.START)
    async with tools.database.sessions() as session:
        assert await claims.candidates(session, tools.host, tools.clock(), with_terraform=False) == [run_id]


async def test_a_suspended_machine_goes_on_where_it_was_without_a_boot(tools: Tools, script: Script) -> None:
    workstation_id = await provisioned(tools, script)
    before = await workstation_of(tools, workstation_id)
    await execute(tools, await ask(tools, workstation_id, RunKind.SUSPEND))
    off = await workstation_of(tools, workstation_id)
    assert (off.status, off.is_off, off.orders, off.can_connect) == (W.SUSPENDED, True, [RunKind.RESUME], False)
    # Nothing boots: what the machine said of its boot is as old as before.
    google(tools).booting = True
    run_id = await ask(tools, workstation_id, RunKind.RESUME)
    await execute(tools, run_id)
    on = await workstation_of(tools, workstation_id)
    assert (await run_of(tools, run_id)).status is RunStatus.APPLIED
    assert (on.status, on.address, on.host_keys) == (W.RUNNING, before.address, HOST_KEYS)
    assert google(tools).orders[-2:] == [Power.SUSPEND, Power.RESUME]


async def test_a_resume_that_google_refuses_leaves_the_machine_suspended(tools: Tools, script: Script) -> None:
    workstation_id = await provisioned(tools, script)
    await execute(tools, await ask(tools, workstation_id, RunKind.SUSPEND))
    google(tools).reset_troubles = [OperationFailedError("resume: Error 503: ZONE_RESOURCE_POOL_EXHAUSTED")]
    run_id = await ask(tools, workstation_id, RunKind.RESUME)
    await execute(tools, run_id)
    assert (await run_of(tools, run_id)).status is RunStatus.ERRORED
    assert (await workstation_of(tools, workstation_id)).status is W.SUSPENDED


async def test_a_machine_with_a_gpu_cannot_be_suspended(tools: Tools, script: Script) -> None:
    workstation_id = await provisioned(tools, script)
    async with as_grace(tools) as ctx:
        (await workstations.find(ctx.session, ctx.member, workstation_id)).accelerator = "nvidia-l4"
    assert RunKind.SUSPEND not in (await workstation_of(tools, workstation_id)).orders
    with pytest.raises(ConflictError):
        await ask(tools, workstation_id, RunKind.SUSPEND)
