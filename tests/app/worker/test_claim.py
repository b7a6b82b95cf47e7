"""Runs of a stack: one executes, one is queued; wishes join, supersede or wait, whatever workers do meanwhile."""

import asyncio

import pytest
from sqlalchemy import func, select, text, update

from app.errors import ConflictError
from app.models import CancelMode, Run, RunKind, RunStatus, Stack, StateVersion, Workstation, WorkstationStatus
from app.services import decisions, runs
from app.services.people import members
from app.services.terraform import state_versions
from app.worker import claim as claims
from app.worker.claim import Claim, Tools
from tests.app.conftest import MovingClock, identity
from tests.app.counting import loaded
from tests.app.worker.conftest import ask_destroy, run_of, spec, state, workstation_of

pytestmark = pytest.mark.anyio
S = RunStatus


async def ask_retry(tools: Tools, run_id: str) -> str:
    async with tools.database.sessions.begin() as session:
        grace = await members.sign_in(session, identity("grace"), tools.settings, tools.clock())
        run = await runs.find(session, grace, run_id)
        return (await decisions.retry(session, run, grace, tools.clock())).id


async def cancel(tools: Tools, run_id: str) -> None:
    async with tools.database.sessions.begin() as session:
        grace = await members.sign_in(session, identity("grace"), tools.settings, tools.clock())
        run = await runs.find(session, grace, run_id)
        await decisions.cancel(session, run, grace, CancelMode.UNDO, tools.clock())


async def destroyed(tools: Tools, run_id: str, *, disk_kept: bool) -> None:
    """The run of a worker that has taken it ends well."""
    claim = Claim(tools, run_id, 1)
    async with tools.database.sessions.begin() as session:
        run = await session.get_one(Run, run_id)
        workstation = await session.get_one(Workstation, run.stack_id)
        run.begin_apply(tools.clock())
        run.succeed(tools.clock())
        workstation.become_destroyed(tools.clock(), disk_kept=disk_kept)
        await claims.end(session, run, claim)


async def failed(tools: Tools, run_id: str) -> None:
    claim = Claim(tools, run_id, 1)
    async with tools.database.sessions.begin() as session:
        run = await session.get_one(Run, run_id)
        await claims.end(session, run, claim, error="No luck")


async def somebody_waits_for_a_lock(tools: Tools) -> None:
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    async with asyncio.timeout(10):
        while True:
            async with tools.database.sessions() as session:
                if await session.scalar(waiting):
                    return
            await asyncio.sleep(0.01)


async def test_a_newer_wish_takes_a_queued_ones_place(tools: Tools) -> None:
    workstation_id, provision = await spec(tools)
    destroy = await ask_destroy(tools, workstation_id)
    replaced = await run_of(tools, provision)
    assert (replaced.status, replaced.superseded_by) == (S.SUPERSEDED, destroy)


async def test_an_identical_wish_joins_the_one_queued_or_executing(tools: Tools) -> None:
    workstation_id, _ = await spec(tools)
    destroy = await ask_destroy(tools, workstation_id)
    assert await ask_destroy(tools, workstation_id) == destroy
    assert await claims.take(tools, destroy)
    assert await ask_destroy(tools, workstation_id) == destroy


async def test_what_executes_is_left_alone_and_the_next_waits_for_its_end(tools: Tools) -> None:
    workstation_id, provision = await spec(tools)
    assert await claims.take(tools, provision)
    destroy = await ask_destroy(tools, workstation_id)
    assert await claims.take(tools, destroy) is None
    assert (await run_of(tools, provision)).status is S.PLANNING
    await failed(tools, provision)
    assert await claims.take(tools, destroy)


async def test_a_wish_does_not_supersede_the_run_that_a_worker_is_just_claiming(tools: Tools) -> None:
    workstation_id, provision = await spec(tools)
    async with tools.database.sessions.begin() as claiming:
        run = await claiming.get_one(Run, provision, with_for_update=True)
        run.claim("worker-1", "host-1", tools.clock())
        await claiming.flush()
        asking = asyncio.create_task(ask_destroy(tools, workstation_id))
        await somebody_waits_for_a_lock(tools)
    destroy = await asking
    assert [(await run_of(tools, run_id)).status for run_id in (provision, destroy)] == [S.PLANNING, S.QUEUED]


async def test_of_two_workers_one_claims(tools: Tools) -> None:
    _, provision = await spec(tools)
    taken = await asyncio.gather(claims.take(tools, provision), claims.take(tools, provision))
    assert sorted(claim is None for claim in taken) == [False, True]
    assert (await run_of(tools, provision)).attempt == 1


async def test_a_run_that_a_worker_has_claimed_is_left_to_it_to_stop(tools: Tools) -> None:
    _, provision = await spec(tools)
    assert await claims.take(tools, provision)
    await cancel(tools, provision)
    assert (await run_of(tools, provision)).is_canceling
    with pytest.raises(ConflictError, match="being stopped already"):
        await cancel(tools, provision)


async def test_cancelling_the_only_run_leaves_nothing_and_frees_the_name(tools: Tools) -> None:
    workstation_id, provision = await spec(tools)
    await cancel(tools, provision)
    assert (await workstation_of(tools, workstation_id)).status is WorkstationStatus.DESTROYED
    assert await claims.take(tools, provision) is None
    assert (await spec(tools))[0] != workstation_id


async def test_a_wish_left_over_when_its_machine_is_gone_is_dropped(tools: Tools, clock: MovingClock) -> None:
    workstation_id, provision = await spec(tools)
    assert await claims.take(tools, provision)
    await failed(tools, provision)
    destroy = await ask_destroy(tools, workstation_id)
    assert await claims.take(tools, destroy)
    clock.advance(seconds=1)
    left_over = await ask_destroy(tools, workstation_id, keep_disk=True)
    await destroyed(tools, destroy, disk_kept=False)
    await spec(tools)  # the name is free, and taken again
    assert await claims.take(tools, left_over) is None
    assert (await run_of(tools, left_over)).status is S.CANCELED
    assert (await workstation_of(tools, workstation_id)).status is WorkstationStatus.DESTROYED


async def test_a_machine_on_its_way_out_is_not_built_again(tools: Tools) -> None:
    workstation_id, provision = await spec(tools)
    assert await claims.take(tools, provision)
    await failed(tools, provision)
    assert await claims.take(tools, await ask_destroy(tools, workstation_id))
    with pytest.raises(ConflictError, match="being destroyed"):
        await ask_retry(tools, provision)


async def test_a_kept_disk_whose_removal_failed_can_be_removed_by_a_retry(tools: Tools, clock: MovingClock) -> None:
    workstation_id, provision = await spec(tools)
    assert await claims.take(tools, provision)
    await failed(tools, provision)
    keeping = await ask_destroy(tools, workstation_id, keep_disk=True)
    assert await claims.take(tools, keeping)
    await destroyed(tools, keeping, disk_kept=True)
    clock.advance(seconds=1)
    removing = await ask_destroy(tools, workstation_id)
    assert await claims.take(tools, removing)
    await failed(tools, removing)
    again = await run_of(tools, await ask_retry(tools, removing))
    assert (again.kind, again.inputs["disk_only"]) == (RunKind.DESTROY, False)
    assert await claims.take(tools, again.id)


async def test_the_end_of_a_run_rings_for_the_next_one(tools: Tools) -> None:
    workstation_id, provision = await spec(tools)
    assert await claims.take(tools, provision)
    destroy = await ask_destroy(tools, workstation_id)
    async with tools.database.sessions.begin() as session:
        await session.execute(text("DELETE FROM procrastinate_jobs"))
    await failed(tools, provision)
    async with tools.database.sessions() as session:
        heard = list(await session.scalars(text("SELECT args ->> 'run_id' FROM procrastinate_jobs")))
    assert heard == [destroy]


async def test_a_run_that_keeps_losing_its_workers_is_given_up(tools: Tools) -> None:
    workstation_id, provision = await spec(tools)
    for _ in range(claims.MAX_INTERRUPTIONS):
        assert await claims.take(tools, provision)
        async with tools.database.sessions.begin() as session:
            (await session.get_one(Run, provision)).interrupt(tools.clock())
    assert await claims.take(tools, provision) is None
    assert (await run_of(tools, provision)).status is S.ERRORED
    assert (await workstation_of(tools, workstation_id)).status is WorkstationStatus.FAILED
    async with tools.database.sessions() as session:
        assert await session.scalar(select(func.count()).where(Run.status.in_((S.QUEUED, S.INTERRUPTED)))) == 0


async def test_a_wish_waits_for_no_worker_that_stores_a_state(tools: Tools) -> None:
    workstation_id, provision = await spec(tools)
    claim = await claims.take(tools, provision)
    assert claim
    async with claim.writing() as (session, run):
        asking = asyncio.create_task(ask_destroy(tools, workstation_id))
        await somebody_waits_for_a_lock(tools)
        # The wish holds the stack by now and waits for this run: a state that refers to the stack must not wait too.
        stored = state_versions.State(state(1).encode())
        await state_versions.store(session, tools.vault, run, stored, tools.clock())
    assert (await run_of(tools, await asking)).status is S.QUEUED


async def test_a_state_that_is_stored_already_is_not_stored_again(tools: Tools) -> None:
    workstation_id, provision = await spec(tools)
    claim = await claims.take(tools, provision)
    assert claim
    for serial in (1, 2, 2):
        async with claim.writing() as (session, run):
            stored = state_versions.State(state(serial).encode())
            await state_versions.store(session, tools.vault, run, stored, tools.clock())
    async with tools.database.sessions() as session:
        numbers = await session.scalars(select(StateVersion.number).where(StateVersion.stack_id == workstation_id))
        newest = await state_versions.newest(session, tools.vault, workstation_id)
    assert sorted(numbers) == [1, 2]
    assert newest is not None
    assert newest.serial == 2


async def test_a_quarantined_state_is_never_the_state(tools: Tools) -> None:
    workstation_id, provision = await spec(tools)
    claim = await claims.take(tools, provision)
    assert claim
    for serial in (1, 2):
        async with claim.writing() as (session, run):
            stored = state_versions.State(state(serial).encode())
            await state_versions.store(session, tools.vault, run, stored, tools.clock())
    async with tools.database.sessions.begin() as session:
        await session.execute(update(StateVersion).where(StateVersion.serial == 2).values(quarantined=True))
    async with tools.database.sessions() as session:
        newest = await state_versions.newest(session, tools.vault, workstation_id)
    assert newest is not None
    assert newest.serial == 1


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b'{"serial": 1}', state(7).encode()[:-20]])
def test_an_empty_or_cut_state_is_none(raw: bytes) -> None:
    with pytest.raises(ValueError):
        state_versions.State(raw)


async def test_a_wish_and_the_worker_that_marks_its_stack_do_not_wait_for_each_other(tools: Tools) -> None:
    workstation_id, provision = await spec(tools)
    claim = await claims.take(tools, provision)
    assert claim
    async with claim.writing() as (session, run):
        asking = asyncio.create_task(ask_destroy(tools, workstation_id))
        await somebody_waits_for_a_lock(tools)
        (await session.get_one(Stack, run.stack_id)).needs_reconcile = True
        await session.flush()
    assert (await run_of(tools, await asking)).status is S.QUEUED


async def test_whether_the_stack_is_busy_is_asked_without_its_history(tools: Tools, clock: MovingClock) -> None:
    workstation_id, run_id = await spec(tools)
    for _ in range(5):
        assert await claims.take(tools, run_id)
        await failed(tools, run_id)
        clock.advance(seconds=1)
        run_id = await ask_destroy(tools, workstation_id)
    with loaded(Run) as seen:
        assert await claims.take(tools, run_id)
    assert [run.id for run in seen if isinstance(run, Run)] == [run_id]
