"""Trouble on the way: what passes is tried again, what was killed begun anew, and another worker goes on."""

import asyncio
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, text

from app.models import Plan, Run, RunStatus, StateVersion, WorkstationStatus
from app.models.run_states import LostClaimError
from app.services import decisions, runs
from app.services.people import members
from app.services.terraform import state_versions
from app.services.terraform.state_versions import State
from app.worker import claim as claims
from app.worker.claim import Claim, Tools
from app.worker.execute import execute, yield_to_other_attempt
from app.worker.folder import RunFolder
from app.worker.retry import BACK_OFF_SECONDS
from app.worker.sweep import Sweep
from tests.app.worker.scripted import (
    DISK,
    VM,
    PromptCompute,
    Script,
    ask_destroy,
    log_of,
    lost_at,
    make_tools,
    provisioned,
    run_of,
    spec,
    start_as_an_earlier_worker,
    state,
    tells,
    workstation_of,
    writes_state,
)
from tests.parts import MovingClock, identity

pytestmark = pytest.mark.anyio
UNAVAILABLE = '{"type":"diagnostic","diagnostic":{"severity":"error","summary":"googleapi: Error 503: later"}}'


class HurriedClock(MovingClock):
    """Moves on by itself with every look, so that waits are short."""

    step = 0

    def __call__(self) -> datetime:
        return self.advance(seconds=self.step)


@pytest.fixture
def clock() -> HurriedClock:
    return HurriedClock()


def tries(number: int, first: str, then: str) -> str:
    """Shell that does `first` so many times, then the other."""
    count = "n=$(cat ../tries 2>/dev/null || echo 0); echo $((n+1)) > ../tries"
    return f"{count}\nif [ $n -lt {number} ]; then {first}\nelse {then}\nfi"


async def test_what_passes_is_tried_again_after_a_while_and_said(
    tools: Tools, script: Script, clock: HurriedClock
) -> None:
    clock.step = 60
    script.on("apply", tries(2, f"echo '{UNAVAILABLE}'; exit 1", writes_state(3)))
    script.on("plan", tells("planned_change", VM, "create"))
    _, run_id = await spec(tools)
    await execute(tools, run_id)
    run = await run_of(tools, run_id)
    assert (run.status, run.retries, run.retry_at) == (RunStatus.APPLIED, 2, None)
    told = await log_of(tools, run_id)
    assert f"Trying again in {BACK_OFF_SECONDS[0]} s (1 of 5)" in told
    assert f"Trying again in {BACK_OFF_SECONDS[1]} s (2 of 5)" in told


async def test_what_does_not_pass_ends_the_run_after_some_tries(
    tools: Tools, script: Script, clock: HurriedClock
) -> None:
    clock.step = 60
    script.on("apply", f"echo '{UNAVAILABLE}'; exit 1")
    script.on("plan", tells("planned_change", VM, "create"))
    workstation_id, run_id = await spec(tools)
    await execute(tools, run_id)
    run = await run_of(tools, run_id)
    assert (run.status, run.retries) == (RunStatus.ERRORED, len(BACK_OFF_SECONDS))
    assert "Error 503" in (run.error or "")
    assert (await workstation_of(tools, workstation_id)).status is WorkstationStatus.FAILED


async def test_a_killed_terraform_is_begun_anew_and_counts_as_no_retry(tools: Tools, script: Script) -> None:
    script.on("apply", tries(1, "kill -9 $$", writes_state(3)))
    script.on("plan", tells("planned_change", VM, "create"))
    _, run_id = await spec(tools)
    await execute(tools, run_id)
    run = await run_of(tools, run_id)
    assert (run.status, run.retries, run.interruptions) == (RunStatus.APPLIED, 0, 1)
    assert "Terraform was killed. Starting again." in await log_of(tools, run_id)


async def test_a_worker_that_leaves_hands_over_what_only_waits(tools: Tools, script: Script) -> None:
    compute = tools.compute
    assert isinstance(compute, PromptCompute)
    script.on("apply", writes_state(3))
    script.on("plan", "true")
    workstation_id, run_id = await spec(tools)
    tools.leaving.set()
    compute.booting = True
    await execute(tools, run_id)
    run = await run_of(tools, run_id)
    assert (run.status, run.interruptions, run.lease_until) == (RunStatus.INTERRUPTED, 0, None)

    other = make_tools(tools.settings, tools.database, MovingClock(), "worker-2", "host-2")
    await execute(other, run_id)
    assert (await run_of(tools, run_id)).status is RunStatus.APPLIED
    assert (await workstation_of(tools, workstation_id)).status is WorkstationStatus.RUNNING


async def test_an_interrupted_run_is_its_own_hosts_first_and_then_anybodys(
    tools: Tools, script: Script, clock: MovingClock
) -> None:
    _, run_id = await spec(tools)
    await lost_at(tools, run_id, "apply-1.1")
    other = make_tools(tools.settings, tools.database, clock, "worker-2", "host-2")
    assert await claims.take(other, run_id) is None
    clock.advance(seconds=Run.FOR_ITS_HOST.total_seconds())
    assert await claims.take(other, run_id)


async def test_what_an_attempt_writes_too_late_goes_to_quarantine(tools: Tools, script: Script) -> None:
    workstation_id, run_id = await spec(tools)
    late = await claims.take(tools, run_id)
    assert late
    folder = RunFolder((tools.settings.data_dir / "worker" / "runs" / run_id).resolve())
    start_as_an_earlier_worker(tools, run_id, "apply-1.1", f"{writes_state(4)}trap 'exit 1' INT; sleep 20 & wait")
    await taken_by_another_host(tools, run_id)
    with pytest.raises(LostClaimError):
        await late.log("too late")
    await yield_to_other_attempt(late, folder)
    async with tools.database.sessions() as session:
        versions = list(await session.scalars(select(StateVersion).where(StateVersion.stack_id == workstation_id)))
        assert [(version.number, version.serial, version.quarantined) for version in versions] == [(1, 4, True)]
        assert await state_versions.newest(session, tools.vault, workstation_id) is None
    assert not folder.path.exists()


async def taken_by_another_host(tools: Tools, run_id: str) -> Claim:
    async with tools.database.sessions.begin() as session:
        run = await session.get_one(Run, run_id)
        run.interrupt(tools.clock() - timedelta(hours=1))
    claim = await claims.take(make_tools(tools.settings, tools.database, MovingClock(), "worker-2", "host-2"), run_id)
    assert claim
    return claim


async def test_a_state_of_another_lineage_is_no_successor(tools: Tools, script: Script) -> None:
    workstation_id = await provisioned(tools, script)
    claim = await claims.take(tools, await ask_destroy(tools, workstation_id))
    assert claim
    stray = State(state(99, lineage="two").encode())
    async with claim.writing() as (session, run):
        await state_versions.store(session, tools.vault, run, stray, tools.clock())
        newest = await state_versions.newest(session, tools.vault, workstation_id)
    assert newest is not None
    assert newest.lineage == "one"


async def test_a_state_that_terraform_had_to_leave_beside_is_picked_up(tools: Tools, script: Script) -> None:
    beside = writes_state(7).replace("terraform.tfstate", "errored.tfstate")
    diagnostic = '{"type":"diagnostic","diagnostic":{"severity":"error","summary":"Failed to save state"}}'
    script.on("apply", f"{beside}echo '{diagnostic}'; exit 1")
    workstation_id, run_id = await spec(tools)
    await execute(tools, run_id)
    async with tools.database.sessions() as session:
        newest = await state_versions.newest(session, tools.vault, workstation_id)
    assert newest is not None
    assert newest.serial == 7


async def test_an_approved_plan_is_applied_as_it_was_shown_by_whichever_worker(tools: Tools, script: Script) -> None:
    workstation_id = await provisioned(tools, script)
    script.on("plan", "echo the very plan > tfplan\n" + tells("planned_change", DISK, "delete"))
    script.on("apply", 'cp "$(ls tfplan)" ../../../../applied\n' + writes_state(9))
    run_id = await ask_destroy(tools, workstation_id, keep_disk=True)
    await execute(tools, run_id)
    async with tools.database.sessions.begin() as session:
        grace = await members.sign_in(tools.context(session), identity("grace"))
        run = await runs.find(session, grace, run_id)
        disk = (await workstation_of(tools, workstation_id)).disk_name
        await decisions.approve(tools.context(session).acting(grace), run, [disk])
    planned = len([call for call in script.calls if call.startswith("plan")])
    other = make_tools(tools.settings, tools.database, MovingClock(), "worker-2", "host-2")
    await execute(other, run_id)
    assert (await run_of(tools, run_id)).status is RunStatus.APPLIED
    assert len([call for call in script.calls if call.startswith("plan")]) == planned
    assert (tools.settings.data_dir / "applied").read_text() == "the very plan\n"
    async with tools.database.sessions() as session:
        assert await session.scalar(select(Plan.sealed).where(Plan.run_id == run_id)) is None


async def test_folders_of_runs_that_ended_elsewhere_are_swept_and_others_left(tools: Tools, script: Script) -> None:
    runs_folder = tools.settings.data_dir.resolve() / "worker" / "runs"
    _, mine = await spec(tools)
    _, gone = await spec(tools, "dev-2")
    for run_id in (mine, gone):
        assert await claims.take(tools, run_id)
        (runs_folder / run_id / "work").mkdir(parents=True)
    await taken_by_another_host(tools, gone)
    await Sweep(tools, set).sweep()
    assert [path.name for path in runs_folder.iterdir()] == [mine]


async def test_a_terraform_that_fails_without_a_word_is_tried_again(
    tools: Tools, script: Script, clock: HurriedClock
) -> None:
    clock.step = 60
    script.on("apply", tries(2, "exit 1", writes_state(3)))
    script.on("plan", tells("planned_change", VM, "create"))
    _, run_id = await spec(tools)
    await execute(tools, run_id)
    run = await run_of(tools, run_id)
    assert (run.status, run.retries) == (RunStatus.APPLIED, 2)


async def test_an_unexpected_error_gives_the_run_back_with_its_reason(
    tools: Tools, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise ZeroDivisionError("nobody thought of this")

    monkeypatch.setattr("app.worker.kinds.provision.Provision.reach", broken)
    _, run_id = await spec(tools)
    await execute(tools, run_id)
    run = await run_of(tools, run_id)
    assert (run.status, run.interruptions) == (RunStatus.INTERRUPTED, 1)
    assert "nobody thought of this" in (run.error or "")


async def test_the_portals_own_secrets_are_in_no_line_and_no_error(tools: Tools, script: Script) -> None:
    secret = tools.settings.oidc_client_secret
    diagnostic = f'{{"type":"diagnostic","diagnostic":{{"severity":"error","summary":"it is {secret}"}}}}'
    script.on("apply", f"echo 'a plugin says {secret}'; echo '{diagnostic}'; exit 1")
    _, run_id = await spec(tools)
    await execute(tools, run_id)
    assert secret not in await log_of(tools, run_id)
    assert (await run_of(tools, run_id)).error == "Error: it is (secret)"


async def test_a_database_that_is_away_for_a_while_is_waited_for(tools: Tools, script: Script, tmp_path: Path) -> None:
    back = tmp_path / "back"
    script.on("apply", f"until [ -e {back} ]; do echo 'a plugin says so'; sleep 0.05; done\n{writes_state(3)}")
    _, run_id = await spec(tools)
    working = asyncio.create_task(execute(tools, run_id))
    while not script.calls:
        await asyncio.sleep(0.02)
    for _ in range(5):
        await asyncio.sleep(0.1)
        async with tools.database.sessions() as session:
            others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
            await session.execute(text(f"{others} AND pid <> pg_backend_pid()"))
    back.touch()
    await working
    assert (await run_of(tools, run_id)).status in {RunStatus.APPLIED, RunStatus.INTERRUPTED}
