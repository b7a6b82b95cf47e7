"""Runs of a stack: one executes, one is queued; requests join, supersede or wait, whatever workers do meanwhile."""

import asyncio

import pytest
from sqlalchemy import func, select, update

from app import live
from app.errors import ConflictError
from app.models import CancelMode, Run, RunKind, RunStatus, Stack, StateVersion, Workstation, WorkstationStatus
from app.services import decisions, lifecycle, runs
from app.services.people import members
from app.services.terraform import state_versions
from app.worker import claim as claims
from app.worker.claim import Tools
from tests.app.counting import loaded
from tests.app.worker.scripted import ask_destroy, run_of, spec, state, workstation_of
from tests.parts import MovingClock, identity
from tests.waiting import until_a_transaction_waits

pytestmark = pytest.mark.anyio
S = RunStatus


async def ask_retry(tools: Tools, run_id: str) -> str:
    async with tools.database.sessions.begin() as session:
        grace = await members.sign_in(tools.context(session), identity("grace"))
        run = await runs.find(session, grace, run_id)
        return (await decisions.retry(tools.context(session).acting(grace), run)).id


async def cancel(tools: Tools, run_id: str) -> None:
    async with tools.database.sessions.begin() as session:
        grace = await members.sign_in(tools.context(session), identity("grace"))
        run = await runs.find(session, grace, run_id)
        await decisions.cancel(tools.context(session).acting(grace), run, CancelMode.UNDO)


async def destroyed(tools: Tools, run_id: str, *, disk_kept: bool) -> None:
    """The run of a worker that has taken it ends well."""
    async with tools.database.sessions.begin() as session:
        run = await session.get_one(Run, run_id)
        workstation = await session.get_one(Workstation, run.stack_id)
        run.begin_apply(tools.clock())
        workstation.become_destroyed(tools.clock(), disk_kept=disk_kept)
        await lifecycle.finish(tools.context(session), run)


async def failed(tools: Tools, run_id: str) -> None:
    async with tools.database.sessions.begin() as session:
        run = await session.get_one(Run, run_id)
        await lifecycle.fail(tools.context(session), run, "No luck")


async def test_a_newer_request_takes_a_queued_ones_place(tools: Tools) -> None:
    workstation_id, provision = await spec(tools)
    destroy = await ask_destroy(tools, workstation_id)
    replaced = await run_of(tools, provision)
    assert (replaced.status, replaced.superseded_by) == (S.SUPERSEDED, destroy)


async def test_an_identical_request_joins_the_one_queued_or_executing(tools: Tools) -> None:
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


async def test_a_request_does_not_supersede_the_run_that_a_worker_is_just_claiming(tools: Tools) -> None:
    workstation_id, provision = await spec(tools)
    async with tools.database.sessions.begin() as claiming:
        run = await claiming.get_one(Run, provision, with_for_update=True)
        run.claim("worker-1", "host-1", tools.clock())
        await claiming.flush()
        asking = asyncio.create_task(ask_destroy(tools, workstation_id))
        await until_a_transaction_waits(tools.database)
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
    with pytest.raises(ConflictError, match="already being stopped"):
        await cancel(tools, provision)


async def test_cancelling_the_only_run_leaves_nothing_and_frees_the_name(tools: Tools) -> None:
    workstation_id, provision = await spec(tools)
    await cancel(tools, provision)
    assert (await workstation_of(tools, workstation_id)).status is WorkstationStatus.DESTROYED
    assert await claims.take(tools, provision) is None
    assert (await spec(tools))[0] != workstation_id


async def test_a_request_left_over_when_its_machine_is_gone_is_dropped(tools: Tools, clock: MovingClock) -> None:
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
    with pytest.raises(ConflictError, match="being deleted"):
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


async def test_a_request_and_the_end_of_a_run_wake_the_workers(tools: Tools) -> None:
    async with await tools.database.listen_connection() as connection:
        await connection.execute(f"LISTEN {live.CHANNEL}")

        async def woken() -> bool:
            heard = [each.payload async for each in connection.notifies(timeout=5, stop_after=20)]
            return live.RUNS in heard

        workstation_id, provision = await spec(tools)
        assert await woken()
        assert await claims.take(tools, provision)
        await ask_destroy(tools, workstation_id)
        await failed(tools, provision)
        assert await woken()


async def test_what_was_begun_comes_first_and_owners_take_turns(tools: Tools, clock: MovingClock) -> None:
    begun = (await spec(tools, "begun"))[1]
    assert await claims.take(tools, begun)
    clock.advance(seconds=1)
    first, second = (await spec(tools, "g-1"))[1], (await spec(tools, "g-2"))[1]
    async with tools.database.sessions.begin() as session:
        (await session.get_one(Run, begun)).interrupt(tools.clock())
        linus = await members.sign_in(tools.context(session), identity("linus"))
        (await session.get_one(Workstation, (await session.get_one(Run, second)).stack_id)).owner_id = linus.id
    async with tools.database.sessions() as session:
        assert await claims.candidates(session, tools.host, tools.clock()) == [begun, second, first]


async def test_nobody_waits_behind_somebody_elses_two_hundred(tools: Tools, clock: MovingClock) -> None:
    graces = [(await spec(tools, f"g-{number}"))[1] for number in range(12)]
    clock.advance(seconds=1)
    late = (await spec(tools, "late"))[1]
    async with tools.database.sessions.begin() as session:
        linus = await members.sign_in(tools.context(session), identity("linus"))
        (await session.get_one(Workstation, (await session.get_one(Run, late)).stack_id)).owner_id = linus.id
    for run_id in graces[:4]:
        assert await claims.take(tools, run_id)
    async with tools.database.sessions() as session:
        assert (await claims.candidates(session, tools.host, clock()))[0] == late


async def test_without_a_slot_only_what_needs_no_terraform_is_claimed(tools: Tools) -> None:
    await spec(tools)
    async with tools.database.sessions() as session:
        assert await claims.candidates(session, tools.host, tools.clock(), with_terraform=False) == []


async def test_a_run_that_keeps_losing_its_workers_is_given_up(tools: Tools) -> None:
    workstation_id, provision = await spec(tools)
    for _ in range(lifecycle.MAX_INTERRUPTIONS):
        assert await claims.take(tools, provision)
        async with tools.database.sessions.begin() as session:
            (await session.get_one(Run, provision)).interrupt(tools.clock())
    assert await claims.take(tools, provision) is None
    assert (await run_of(tools, provision)).status is S.ERRORED
    assert (await workstation_of(tools, workstation_id)).status is WorkstationStatus.FAILED
    async with tools.database.sessions() as session:
        assert await session.scalar(select(func.count()).where(Run.status.in_((S.QUEUED, S.INTERRUPTED)))) == 0


async def test_a_request_waits_for_no_worker_that_stores_a_state(tools: Tools) -> None:
    workstation_id, provision = await spec(tools)
    claim = await claims.take(tools, provision)
    assert claim
    async with claim.writing() as (session, run):
        asking = asyncio.create_task(ask_destroy(tools, workstation_id))
        await until_a_transaction_waits(tools.database)
        # The request holds the stack by now and waits for this run: a state that refers to the stack must not wait too.
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


async def test_a_request_and_the_worker_that_marks_its_stack_do_not_wait_for_each_other(tools: Tools) -> None:
    workstation_id, provision = await spec(tools)
    claim = await claims.take(tools, provision)
    assert claim
    async with claim.writing() as (session, run):
        asking = asyncio.create_task(ask_destroy(tools, workstation_id))
        await until_a_transaction_waits(tools.database)
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
