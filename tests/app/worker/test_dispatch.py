"""The dispatcher: runs are begun as long as there are slots, and what only waits holds none."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import psycopg
import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from app.live import Hub
from app.models import Run, RunStatus
from app.services import workstations
from app.services.people import members
from app.services.workstations.specs import WorkstationSpec
from app.worker import claim as claims
from app.worker.claim import Tools
from app.worker.dispatch import Dispatcher
from app.worker.slots import Slots
from tests.app.worker.scripted import PromptCompute, Script, run_of, spec, writes_state
from tests.parts import identity

pytestmark = pytest.mark.anyio


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(30):
        while not await condition():
            await asyncio.sleep(0.02)


class At:
    """One dispatcher at work."""

    def __init__(self, tools: Tools) -> None:
        self.tools, self.hub = tools, Hub(tools.database)
        self.dispatcher = Dispatcher(tools, self.hub)

    async def __aenter__(self) -> "At":
        self.hub.start()
        self.task = asyncio.create_task(self.dispatcher.dispatch_until_shutdown())
        return self

    async def __aexit__(self, *_: object) -> None:
        self.tools.leaving.set()
        async with asyncio.timeout(30):
            await self.task
        await self.hub.stop()

    async def ends(self, run_id: str) -> RunStatus:
        async def ended() -> bool:
            return (await run_of(self.tools, run_id)).is_final

        await until(ended)
        return (await run_of(self.tools, run_id)).status


async def test_what_is_asked_for_is_begun_and_ends(tools: Tools, script: Script) -> None:
    script.on("apply", writes_state(3))
    async with At(tools) as at:
        _, run_id = await spec(tools)
        assert await at.ends(run_id) is RunStatus.APPLIED


async def test_machines_that_do_not_boot_delay_nobody(tools: Tools, script: Script) -> None:
    script.on("apply", writes_state(3))
    tools = replace(tools, slots=Slots(1))
    compute = tools.compute
    assert isinstance(compute, PromptCompute)
    compute.booting = True
    stuck = [(await spec(tools, f"stuck-{number}"))[1] for number in range(4)]
    async with At(tools) as at:

        async def all_wait_for_their_boot() -> bool:
            booting = [(await run_of(tools, run_id)).booting_at for run_id in stuck]
            return all(booting) and not tools.slots.are_all_taken

        await until(all_wait_for_their_boot)
        assert at.dispatcher.run_ids == set(stuck)
        compute.booting = False
        assert await at.ends((await spec(tools, "prompt"))[1]) is RunStatus.APPLIED
        assert {await at.ends(run_id) for run_id in stuck} == {RunStatus.APPLIED}


async def test_no_more_terraforms_than_slots_work_at_once(tools: Tools, script: Script) -> None:
    times = script.folder / "times"
    script.on("apply", f"echo begin >> {times}; sleep 0.3; echo end >> {times}\n{writes_state(3)}")
    tools = replace(tools, slots=Slots(1))
    run_ids = [(await spec(tools, f"dev-{number}"))[1] for number in range(3)]
    async with At(tools) as at:
        for run_id in run_ids:
            assert await at.ends(run_id) is RunStatus.APPLIED
    assert times.read_text().split() == ["begin", "end"] * 3


async def asks_for(tools: Tools, name: str, machine_count: int) -> list[str]:
    """Somebody asks for so many machines; returns the ids of their runs."""
    async with tools.database.transaction() as session:
        ctx = tools.context(session)
        member = await members.sign_in(ctx, identity(name))
        specs = [
            WorkstationSpec.model_validate({"name": f"dev-{number}", "machine_type": "e2-standard-4"})
            for number in range(machine_count)
        ]
        return [(await workstations.request(ctx.acting(member), member, each)).run.id for each in specs]


async def test_one_waits_for_the_next_free_slot_behind_somebody_elses_two_hundred_and_forty(
    tools: Tools, script: Script
) -> None:
    """Terraform works until its run is let go, so slots become free one by one."""
    let_go = script.folder / "let-go"
    let_go.mkdir()
    wait = f'until [ -e {let_go}/"$(basename "$(dirname "$PWD")")" ]; do sleep 0.02; done'
    script.on("apply", f"{wait}\n{writes_state(3)}")
    graces = set(await asks_for(tools, "grace", 240))
    async with At(tools) as at:

        async def all_slots_work() -> bool:
            async with tools.database.sessions() as session:
                working = select(func.count()).where(Run.status == RunStatus.APPLYING)
                return await session.scalar(working) == 2

        await until(all_slots_work)
        first, second = at.dispatcher.run_ids
        [only] = await asks_for(tools, "linus", 1)
        (let_go / first).touch()
        await at.ends(first)
        await until(all_slots_work)
        assert at.dispatcher.run_ids == {second, only}

        for run_id in (only, second):
            (let_go / run_id).touch()
            assert await at.ends(run_id) is RunStatus.APPLIED
        await until(all_slots_work)
        assert at.dispatcher.run_ids < graces
        for run_id in graces:
            (let_go / run_id).touch()


async def test_who_leaves_hands_over_what_only_waits(tools: Tools, script: Script) -> None:
    script.on("apply", writes_state(3))
    compute = tools.compute
    assert isinstance(compute, PromptCompute)
    compute.booting = True
    _, run_id = await spec(tools)
    async with At(tools):

        async def waits() -> bool:
            return (await run_of(tools, run_id)).booting_at is not None

        await until(waits)
    assert (await run_of(tools, run_id)).status is RunStatus.INTERRUPTED


@pytest.mark.parametrize("error", [None, OperationalError("SELECT", {}, psycopg.OperationalError("away"))])
async def test_with_nothing_to_do_or_no_database_it_looks_only_now_and_then(
    tools: Tools, script: Script, monkeypatch: pytest.MonkeyPatch, error: Exception | None
) -> None:
    looks = 0

    async def take_next(*_: object) -> None:
        nonlocal looks
        looks += 1
        if error:
            raise error

    monkeypatch.setattr("app.worker.dispatch.POLL_SECONDS", 3600)
    monkeypatch.setattr(claims, "take_next", take_next)
    async with At(tools):
        await asyncio.sleep(0.5)
        # Once at the start, and once more when the hub has begun to listen.
        assert looks <= 3
