"""The number in the name of the database: kept while it is there, and never given to another one."""

import json
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.models import Run, SharedStack
from app.services import lifecycle
from app.services.context import Context
from app.services.shared import shared_stack
from app.services.terraform import state_versions
from app.services.terraform.state_versions import State
from tests.stage import Stage

pytestmark = pytest.mark.anyio
PREFIX, REGION = "test-project", "europe-west4"


def state_with(serial: int, *databases: dict[str, Any], **instance: Any) -> State:
    """A state that has these databases."""
    resources = [
        {
            "mode": "managed",
            "module": "module.sql[0]",
            "type": "google_sql_database_instance",
            "name": "this",
            "instances": [{"attributes": {"name": f"postgres-{PREFIX}", "region": REGION} | each, **instance}],
        }
        for each in databases
    ]
    return State(json.dumps({"serial": serial, "lineage": "one", "resources": resources}).encode())


class Play:
    """A shared stack, runs that a worker claims, and states that Terraform writes."""

    def __init__(self, stage: Stage, session: AsyncSession, stack: SharedStack) -> None:
        self.stage, self.session, self.stack = stage, session, stack

    @property
    def ctx(self) -> Context:
        return self.stage.context(self.session)

    async def request(self) -> Run:
        self.stage.clock.advance(minutes=1)
        return await shared_stack.request(self.ctx, self.stack, await shared_stack.desired(self.ctx, self.stack))

    async def claim(self, run: Run) -> int:
        assert await lifecycle.claim(self.ctx, run, "worker", "host")
        return int(run.inputs["sql_generation"])

    async def number(self, state: State | None = None) -> int:
        """Of a run that is claimed now, during which Terraform may write a state."""
        run = await self.request()
        number = await self.claim(run)
        if state:
            await state_versions.store(self.session, self.ctx.vault, run, state, self.ctx.now)
        run.end_canceled(self.ctx.now)
        await self.session.flush()
        return number


@pytest.fixture
async def play(stage: Stage, session: AsyncSession) -> Play:
    return Play(stage, session, await shared_stack.find(stage.context(session)))


async def test_a_database_keeps_its_number_while_it_is_there(play: Play) -> None:
    assert await play.number() == 1
    await play.number(state_with(1, {}))
    assert await play.number() == 1
    await play.number(state_with(2, {"name": f"postgres-7-{PREFIX}"}))
    assert await play.number() == 7


async def test_one_that_was_deleted_is_followed_by_one_of_another_number(play: Play) -> None:
    await play.number(state_with(1, {}))
    await play.number(state_with(2))
    assert await play.number() == 2
    await play.number(state_with(3, {"name": f"postgres-2-{PREFIX}"}))
    await play.number(state_with(4))
    assert await play.number() == 3


async def test_one_that_was_never_written_down_is_looked_for_under_its_own_number(play: Play) -> None:
    await play.number(state_with(1))
    assert [await play.number(), await play.number()] == [1, 1]


@pytest.mark.parametrize(
    ("attributes", "instance"),
    [
        pytest.param({}, {"status": "tainted"}, id="its creation failed"),
        pytest.param({"region": "us-central1"}, {}, id="it moves to another region"),
        pytest.param({"name": "postgres-other"}, {}, id="the prefix changes"),
    ],
)
async def test_one_that_is_replaced_is_replaced_by_one_of_another_number(
    play: Play, attributes: dict[str, Any], instance: dict[str, Any]
) -> None:
    await play.number(state_with(1, attributes, **instance))
    assert await play.number() == 2


async def test_a_run_that_was_claimed_is_still_what_was_asked_for(play: Play) -> None:
    run = await play.request()
    await play.claim(run)
    assert (await play.request()).id == run.id
