"""What Google says of machines, from its lists to the workstations' rows."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app import clock
from app.infra.google import Compute
from app.infra.machine_lists import MachineLists
from app.models import MachineEventKind, RunKind, RunningTime, Workstation
from app.models import WorkstationStatus as W
from app.services.workstations import observations, orders
from app.worker import machine_observer
from app.worker.claim import Tools
from app.worker.machine_observer import TICK_SECONDS, MachineObserver
from tests.emulator.world import PROJECT, World, until
from tests.emulator_process import start_emulator
from tests.stage import Stage

pytestmark = pytest.mark.anyio
K = MachineEventKind


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    emulator = start_emulator(tmp_path_factory.mktemp("cloud"))
    yield World(emulator)
    emulator.stop()


class Observed:
    """Workstations with their machines, and workers that observe them."""

    def __init__(self, stage: Stage, tools: Tools, world: World) -> None:
        self.stage, self.world = stage, world
        settings = tools.settings.model_copy(update={"google_project": PROJECT, "compute_endpoint": world.emulator.url})
        self.tools = replace(tools, settings=settings, compute=Compute(settings))
        self.observer = self.another_observer("one")

    def another_observer(self, worker_id: str) -> MachineObserver:
        tools = replace(self.tools, worker_id=worker_id)
        return MachineObserver(tools, MachineLists(tools.settings))

    async def make(self, name: str = "dev-1") -> Workstation:
        workstation = await self.stage.make(name)
        self.world.instance(workstation.resource_name)
        await self.tick()
        return workstation

    async def tick(self) -> None:
        self.stage.clock.advance(seconds=TICK_SECONDS)
        await self.observer.observe()

    async def row(self, workstation: Workstation) -> Workstation:
        return await self.stage.row(Workstation, workstation.id)

    def happens(self, preset: str, workstation: Workstation, user: str = "linus@example.com") -> None:
        """And is done."""
        name = workstation.resource_name
        self.world.emulator.fault(preset, id=f"{name}$", user=user)
        until(
            lambda: all(each["status"] == "DONE" for each in self.world.emulator.call("GET", "/_emulator/operations"))
        )

    async def history(self, workstation: Workstation) -> list[tuple[MachineEventKind, str | None]]:
        async with self.stage.database.sessions() as session:
            return [(event.kind, event.by) for event in await observations.events_of(session, workstation.id)][::-1]


@pytest.fixture
async def observed(stage: Stage, tools: Tools, world: World) -> AsyncIterator[Observed]:
    yield Observed(stage, tools, world)
    for instance in world.emulator.objects("google_compute_instance"):
        world.emulator.fault("vanish", type="google_compute_instance", id=instance["id"])


async def test_a_machine_that_runs_is_said_to_run_and_nothing_has_happened(observed: Observed) -> None:
    machine = await observed.make()
    row = await observed.row(machine)
    assert (row.status, row.google_status) == (W.RUNNING, "RUNNING")
    assert await observed.history(machine) == []


async def test_what_is_stopped_and_started_outside_is_shown_with_who_did_it(observed: Observed) -> None:
    machine = await observed.make()
    observed.happens("stop", machine)
    await observed.tick()
    row = await observed.row(machine)
    assert (row.status, row.google_status, row.can_connect) == (W.STOPPED, "TERMINATED", False)
    observed.happens("start", machine, user="ada@example.com")
    await observed.tick()
    assert (await observed.row(machine)).status is W.RUNNING
    assert await observed.history(machine) == [(K.STOPPED, "linus@example.com"), (K.STARTED, "ada@example.com")]


async def test_a_preempted_machine_is_shown_as_such_and_can_be_started(observed: Observed) -> None:
    machine = await observed.make()
    observed.happens("preempt", machine)
    await observed.tick()
    await observed.tick()
    row = await observed.row(machine)
    assert (row.status, row.is_off, RunKind.START in row.orders) == (W.PREEMPTED, True, True)
    assert await observed.history(machine) == [(K.PREEMPTED, "system")]


async def test_a_failed_host_is_in_the_history_although_the_machine_runs_again(observed: Observed) -> None:
    machine = await observed.make()
    observed.happens("host-error", machine)
    await observed.tick()
    await observed.tick()
    assert (await observed.row(machine)).status is W.RUNNING
    assert await observed.history(machine) == [(K.HOST_ERROR, "system")]


@pytest.mark.parametrize(("preset", "by"), [("delete", "linus@example.com"), ("vanish", None)])
async def test_a_machine_deleted_outside_is_missing(observed: Observed, preset: str, by: str | None) -> None:
    machine = await observed.make()
    if preset == "vanish":
        observed.world.emulator.fault("vanish", type="google_compute_instance", id=f"{machine.resource_name}$")
    else:
        observed.happens(preset, machine)
    await observed.tick()
    row = await observed.row(machine)
    assert (row.status, row.google_status, row.can_change, row.orders) == (W.MISSING, "ABSENT", True, [])
    assert await observed.history(machine) == [(K.DELETED, by)]


async def test_a_run_knows_better_while_it_works_and_when_it_has_just_ended(observed: Observed, stage: Stage) -> None:
    machine = await observed.make()
    async with stage.acting("grace") as ctx:
        run = await orders.request(ctx, await ctx.session.get_one(Workstation, machine.id), RunKind.STOP)
    await stage.claim(run.id)
    observed.happens("stop", machine)
    await observed.tick()
    assert (await observed.row(machine)).status is W.STOPPING
    async with stage.working_on(run.id) as (ctx, working):
        (await ctx.session.get_one(Workstation, machine.id)).become_stopped()
        working.succeed(ctx.now)
    observed.happens("start", machine)
    # Google was asked when the run was still at work.
    await observed.observer.observe()
    assert (await observed.row(machine)).status is W.STOPPED
    await observed.tick()
    assert (await observed.row(machine)).status is W.RUNNING


async def test_without_an_answer_everything_stays_and_its_age_is_known(
    observed: Observed, session: AsyncSession
) -> None:
    machine = await observed.make()
    as_of = observed.stage.clock()
    observed.happens("stop", machine)
    observed.world.emulator.fault(op="aggregatedList", status=503, message="Backend error", times=10)
    for _ in range(4):
        await observed.tick()
    assert (await observed.row(machine)).status is W.RUNNING
    watch = await observations.watch(session)
    assert (watch.known_at, watch.is_current(observed.stage.clock())) == (as_of, False)
    assert "Backend error" in (watch.error or "")
    observed.world.emulator.clear_faults()
    await observed.tick()
    await session.refresh(watch)
    assert (await observed.row(machine)).status is W.STOPPED
    assert (watch.error, watch.is_current(observed.stage.clock())) == (None, True)


async def test_what_was_done_while_nobody_observed_is_known_with_who_did_it(observed: Observed) -> None:
    machine = await observed.make()
    observed.happens("delete", machine)
    observed.stage.clock.advance(hours=3)
    await observed.another_observer("two").observe()
    assert await observed.history(machine) == [(K.DELETED, "linus@example.com")]


async def test_a_machine_is_found_by_the_name_that_it_has_at_google(observed: Observed) -> None:
    machine = await observed.make()
    async with observed.stage.database.sessions.begin() as session:
        row = await session.get_one(Workstation, machine.id)
        row.made_as, row.name = row.name, "of-linus"
    await observed.tick()
    assert (await observed.row(machine)).status is W.RUNNING
    observed.happens("stop", machine)
    await observed.tick()
    assert (await observed.row(machine)).status is W.STOPPED


async def test_how_long_it_ran_is_by_googles_times(observed: Observed, session: AsyncSession) -> None:
    observed.stage.clock.now = clock.utc_now() + timedelta(days=2)
    machine = await observed.make()
    started_at = (await observed.row(machine)).running_since
    assert started_at
    assert timedelta(0) < clock.utc_now() - started_at < timedelta(minutes=5)
    observed.happens("stop", machine)
    await observed.tick()
    assert (await observed.row(machine)).running_since is None
    seconds = await session.scalar(select(func.sum(RunningTime.seconds)))
    assert 0 < (seconds or 0) < 300


async def test_one_worker_observes_and_another_one_once_it_is_gone(observed: Observed) -> None:
    machine = await observed.make()
    observed.happens("stop", machine)
    other = observed.another_observer("two")
    await other.observe()
    assert (await observed.row(machine)).status is W.RUNNING
    observed.stage.clock.advance(minutes=1)
    await other.observe()
    assert (await observed.row(machine)).status is W.STOPPED


async def test_many_machines_take_no_more_calls_and_a_change_is_seen_at_once(
    observed: Observed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.infra.machine_lists.PAGE", 2)
    machines = [await observed.make(f"dev-{number}") for number in range(9)]
    before = observed.world.emulator.log_of_calls()[-1]["number"]
    changed = machines[-1]
    observed.happens("stop", changed)
    await observed.tick()
    calls = [call for call in observed.world.emulator.log_of_calls(before) if call["op"] == "aggregatedList"]
    assert (await observed.row(changed)).status is W.STOPPED
    machine_lists = [call for call in calls if call["type"] == "google_compute_instance"]
    assert len(machine_lists) == machine_observer.PAGES_A_TICK + 1
    observed.world.emulator.fault("vanish", type="google_compute_instance", id=f"{machines[0].resource_name}$")
    for _ in range(6):
        await observed.tick()
    assert (await observed.row(machines[0])).status is W.MISSING
    assert {(await observed.row(each)).status for each in machines[1:-1]} == {W.RUNNING}
