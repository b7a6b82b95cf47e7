"""The team's run limit: part of each new machine, and set anew before each start."""

from datetime import timedelta

import pytest
from google.api_core.exceptions import BadRequest, ServiceUnavailable

from app.infra.machines import OperationFailedError, Power
from app.models import RunKind, RunStatus, WorkstationStatus
from app.services.people import team_policy
from app.services.people.team_policy import TeamPolicy
from app.worker.claim import Tools
from app.worker.execute import execute
from tests.app.worker.limits_in_memory import LimitsInMemory
from tests.app.worker.scripted import Script, log_of, run_of, spec, workstation_of
from tests.app.worker.test_power import ask, google, stopped
from tests.app.worker.test_restart import hurried

pytestmark = pytest.mark.anyio
SET = "The run limit has changed: Google stops it after 72 hours."


async def limit(tools: Tools, hours: int) -> None:
    async with tools.database.sessions.begin() as session:
        await team_policy.change(tools.context(session), TeamPolicy(run_limit_hours=hours))


def limits(tools: Tools) -> LimitsInMemory:
    return google(tools).limits


async def test_a_new_machine_has_the_limit_that_counts_when_its_run_begins(tools: Tools, script: Script) -> None:
    _, run_id = await spec(tools)
    await limit(tools, 72)
    await execute(tools, run_id)
    assert (await run_of(tools, run_id)).inputs["run_limit_hours"] == 72


async def test_a_start_sets_the_limit_first_and_only_if_it_is_another(tools: Tools, script: Script) -> None:
    workstation_id = await stopped(tools, script)
    await limit(tools, 72)
    first = await ask(tools, workstation_id, RunKind.START)
    await execute(tools, first)
    assert limits(tools).limit == timedelta(hours=72)
    assert (await log_of(tools, first)).index(SET) < (await log_of(tools, first)).index("Starting dev-1")

    await execute(tools, await ask(tools, workstation_id, RunKind.STOP))
    again = await ask(tools, workstation_id, RunKind.START)
    await execute(tools, again)
    assert "run limit" not in await log_of(tools, again)

    await limit(tools, 0)
    await execute(tools, await ask(tools, workstation_id, RunKind.STOP))
    last = await ask(tools, workstation_id, RunKind.START)
    await execute(tools, last)
    assert limits(tools).limit is None
    assert "The run limit has changed: the machine has none any more." in await log_of(tools, last)


@pytest.mark.parametrize("refusal", [BadRequest("not for preemptible"), OperationFailedError("not for preemptible")])
async def test_a_refused_limit_keeps_nobody_from_starting(tools: Tools, script: Script, refusal: Exception) -> None:
    workstation_id = await stopped(tools, script)
    await limit(tools, 72)
    limits(tools).troubles = [refusal]
    run_id = await ask(tools, workstation_id, RunKind.START)
    await execute(tools, run_id)
    assert (await run_of(tools, run_id)).status is RunStatus.APPLIED
    assert "The run limit could not be set: " in await log_of(tools, run_id)


async def test_while_google_cannot_be_asked_the_start_waits(tools: Tools, script: Script) -> None:
    workstation_id = await stopped(tools, script)
    await limit(tools, 72)
    limits(tools).troubles = [ServiceUnavailable("later")]
    run_id = await ask(tools, workstation_id, RunKind.START)
    await execute(hurried(tools), run_id)
    assert (await workstation_of(tools, workstation_id)).status is WorkstationStatus.RUNNING
    assert (limits(tools).limit, google(tools).orders[-1]) == (timedelta(hours=72), Power.START)
    assert "Trying again in 1 s" in await log_of(tools, run_id)
