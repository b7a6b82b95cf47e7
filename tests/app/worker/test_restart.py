"""A restart: pressed once, waited for as a new machine is, and never taken for what an earlier boot said."""

from dataclasses import replace
from datetime import datetime

import pytest
from google.api_core.exceptions import BadRequest, ServiceUnavailable

from app.errors import ConflictError
from app.infra.machines import OperationFailedError
from app.models import CancelMode, Member, Run, RunKind, RunStatus, Stack, Workstation, WorkstationStatus
from app.services import decisions, runs, workstations
from app.services.keys import machine_keys
from app.services.workstations import orders
from app.worker import periodic
from app.worker.claim import Claim, Tools
from app.worker.execute import execute
from app.worker.readiness import Place, place_of
from tests.app.worker.scripted import (
    FAILS,
    PromptCompute,
    Script,
    log_of,
    provisioned,
    run_of,
    workstation_of,
)
from tests.app.worker.test_recover import HurriedClock
from tests.app.worker.test_rekey import add_key
from tests.parts import MovingClock

pytestmark = pytest.mark.anyio
AGAIN = "ready 2026-01-05T13:00:10.000Z"


def google(tools: Tools, *, says: str, within: int = 5) -> tuple[Tools, PromptCompute]:
    """Where the machine says this after the button was pressed; it has so many seconds to arrive."""
    compute = PromptCompute(tools.settings)
    compute.told["boot-stage"] = says
    settings = tools.settings.model_copy(update={"boot_timeout": within})
    return replace(tools, compute=compute, settings=settings), compute


def later(tools: Tools) -> datetime:
    """A minute after what was asked for before."""
    assert isinstance(tools.clock, MovingClock)
    return tools.clock.advance(minutes=1)


async def ask(tools: Tools, workstation_id: str) -> str:
    async with tools.database.sessions.begin() as session:
        workstation = await session.get_one(Workstation, workstation_id)
        owner = await session.get_one(Member, workstation.owner_id)
        ctx = replace(tools.context(session), actor=owner, now=later(tools))
        return (await orders.request(ctx, workstation, RunKind.RESTART)).id


async def retry(tools: Tools, run_id: str) -> str:
    async with tools.database.sessions.begin() as session:
        run = await session.get_one(Run, run_id)
        owner = await session.get_one(Member, (await session.get_one(Workstation, run.stack_id)).owner_id)
        return (await decisions.retry(replace(tools.context(session), actor=owner, now=later(tools)), run)).id


async def check(tools: Tools, workstation_id: str) -> str:
    async with tools.database.sessions.begin() as session:
        workstation = await session.get_one(Workstation, workstation_id)
        owner = await session.get_one(Member, workstation.owner_id)
        stack = await session.get_one(Stack, workstation_id)
        inputs = await runs.last_inputs(session, workstation_id)
        return (
            await runs.request(
                replace(tools.context(session), actor=owner, now=later(tools)), stack, RunKind.UPDATE, inputs
            )
        ).id


async def cancel(tools: Tools, run_id: str) -> None:
    async with tools.database.sessions.begin() as session:
        run = await session.get_one(Run, run_id)
        owner = await session.get_one(Member, (await session.get_one(Workstation, run.stack_id)).owner_id)
        await decisions.cancel(tools.context(session).acting(owner), run, CancelMode.UNDO)


def hurried(tools: Tools) -> Tools:
    """With a clock by which waits are over at once."""
    clock = HurriedClock()
    clock.step = 60
    return replace(tools, clock=clock)


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
    assert "The machine is running" in await log_of(tools, run_id)


async def test_what_the_boot_before_said_does_not_count(tools: Tools, script: Script) -> None:
    workstation_id = await provisioned(tools, script)
    tools, _ = google(tools, says="ready 2026-01-05T12:59:59.000Z", within=1)
    run_id = await ask(tools, workstation_id)
    await execute(tools, run_id)
    run = await run_of(tools, run_id)
    assert run.status is RunStatus.ERRORED
    assert "did not report that it has booted" in (run.error or "")
    assert (await workstation_of(tools, workstation_id)).status is WorkstationStatus.FAILED
    tools, compute = google(tools, says=AGAIN)
    again = await retry(tools, run_id)
    await execute(tools, again)
    assert (await workstation_of(tools, workstation_id)).is_running
    assert len(compute.reset) == 1


async def test_a_worker_that_is_lost_leaves_no_second_press(tools: Tools, script: Script) -> None:
    workstation_id = await provisioned(tools, script)
    tools, compute = google(tools, says="", within=60)
    run_id = await ask(tools, workstation_id)
    leaving = replace(tools)
    leaving.leaving.set()
    await execute(leaving, run_id)
    assert (await run_of(tools, run_id)).status is RunStatus.INTERRUPTED
    leaving.leaving.clear()
    assert (await workstation_of(tools, workstation_id)).status is WorkstationStatus.STARTING
    compute.told["boot-stage"] = AGAIN
    await execute(tools, run_id)
    assert (await run_of(tools, run_id)).status is RunStatus.APPLIED
    assert len(compute.reset) == 1


async def test_where_the_answer_is_lost_the_order_is_given_again_as_the_same(tools: Tools, script: Script) -> None:
    workstation_id = await provisioned(tools, script)
    tools, compute = google(hurried(tools), says=AGAIN)
    compute.answers_lost = 1
    run_id = await ask(tools, workstation_id)
    await execute(tools, run_id)
    assert (await run_of(tools, run_id)).status is RunStatus.APPLIED
    # Google does nothing the second time.
    assert (len(compute.reset), len(set(compute.reset))) == (2, 1)


async def test_trouble_that_passes_is_waited_out_and_a_refusal_ends_it(tools: Tools, script: Script) -> None:
    workstation_id = await provisioned(tools, script)
    tools, compute = google(hurried(tools), says=AGAIN)
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
    # Nothing was pressed, and it goes on.
    assert (await workstation_of(tools, workstation_id)).can_connect


async def test_a_reset_that_google_began_and_could_not_do_is_not_ordered_again(tools: Tools, script: Script) -> None:
    workstation_id = await provisioned(tools, script)
    tools, compute = google(tools, says=AGAIN)
    compute.reset_troubles = [OperationFailedError("reset: Error 503: no power")]
    run_id = await ask(tools, workstation_id)
    await execute(tools, run_id)
    run = await run_of(tools, run_id)
    assert (run.status, run.retries, compute.reset) == (RunStatus.ERRORED, 0, [])


async def test_what_failed_otherwise_is_not_hidden_by_a_restart(tools: Tools, script: Script) -> None:
    workstation_id = await provisioned(tools, script)
    tools, _ = google(tools, says="ready 2026-01-05T12:59:59.000Z", within=1)
    failed_restart = await ask(tools, workstation_id)
    await execute(tools, failed_restart)
    script.on("plan", FAILS)
    changed = await check(tools, workstation_id)
    await execute(tools, changed)
    assert (await run_of(tools, changed)).status is RunStatus.ERRORED
    with pytest.raises(ConflictError, match="cannot restart"):
        await ask(tools, workstation_id)
    with pytest.raises(ConflictError, match="cannot restart"):
        await retry(tools, failed_restart)


async def test_a_cancel_that_was_accepted_keeps_the_button_from_being_pressed(
    tools: Tools, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    workstation_id = await provisioned(tools, script)
    tools, compute = google(tools, says=AGAIN)
    run_id = await ask(tools, workstation_id)

    async def cancelled_meanwhile(claim: Claim, stack_id: str) -> Place:
        await cancel(tools, run_id)
        return await place_of(claim, stack_id)

    monkeypatch.setattr("app.worker.kinds.restart.place_of", cancelled_meanwhile)
    await execute(tools, run_id)
    assert ((await run_of(tools, run_id)).status, compute.reset) == (RunStatus.CANCELED, [])
    assert (await workstation_of(tools, workstation_id)).can_connect


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
        assert (keys.is_up_to_date, len(keys.certain), len(keys.desired)) == (False, 1, 2)
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
        await decisions.cancel(tools.context(session).acting(owner), run, run.cancel_choices[0])
        await workstations.request_destroy(tools.context(session).acting(owner), workstation, keep_disk=True)
    with pytest.raises(ConflictError, match="is being deleted"):
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
    with pytest.raises(ConflictError, match="can no longer be stopped"):
        await cancel(tools, run_id)


async def test_keys_that_change_while_it_is_queued_are_on_their_way(tools: Tools, script: Script) -> None:
    workstation_id = await provisioned(tools, script)
    run_id = await ask(tools, workstation_id)
    await add_key(tools, workstation_id)
    async with tools.database.sessions() as session:
        workstation = await session.get_one(Workstation, workstation_id)
        [keys] = await machine_keys.of_member(session, await session.get_one(Member, workstation.owner_id))
        assert (keys.is_up_to_date, keys.will_be_up_to_date, keys.can_retry) == (False, True, False)
        assert keys.run
        assert keys.run.id == run_id


async def test_keys_that_a_lost_worker_did_not_bring_are_brought_a_little_later(
    tools: Tools, script: Script, clock: MovingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    workstation_id = await provisioned(tools, script)
    tools, _ = google(tools, says=AGAIN)
    run_id = await ask(tools, workstation_id)
    await add_key(tools, workstation_id)

    async def lost(claim: Claim) -> None:
        """Killed just before."""

    async def pending_after_chores() -> list[Run]:
        await periodic.do(tools)
        async with tools.database.sessions() as session:
            return await runs.pending(session, workstation_id)

    with monkeypatch.context() as patch:
        patch.setattr("app.worker.execute.deploy_missed_keys", lost)
        await execute(tools, run_id)
    assert await pending_after_chores() == []
    clock.advance(minutes=1)
    [rekey] = await pending_after_chores()
    assert [run.id for run in await pending_after_chores()] == [rekey.id]
    assert (rekey.kind, rekey.requested_by) == (RunKind.REKEY, None)
    # What it could not do is not tried again by itself.
    script.on("plan", FAILS)
    await execute(tools, rekey.id)
    clock.advance(minutes=1)
    assert await pending_after_chores() == []
