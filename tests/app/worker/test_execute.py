"""Runs from claim to end: what is planned, applied, taken over after a worker's death, refused and written down."""

import asyncio
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from google.auth.exceptions import DefaultCredentialsError
from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs

from app.infra.process import WATCHED
from app.models import Run, RunStatus, WorkstationStatus
from app.services import runs
from app.services.terraform import state_versions
from app.worker.claim import Tools
from app.worker.execute import execute
from tests.app.worker.scripted import (
    DISK,
    HOST_KEYS,
    VM,
    PromptCompute,
    Script,
    ask_destroy,
    log_of,
    lost_at,
    provisioned,
    run_of,
    spec,
    start_as_an_earlier_worker,
    tells,
    workstation_of,
    writes_state,
)
from tests.waiting import until_a_transaction_waits

pytestmark = pytest.mark.anyio


async def test_a_first_create_is_applied_without_a_plan_and_ends_with_a_running_machine(
    tools: Tools, script: Script
) -> None:
    workstation_id = await provisioned(tools, script)
    workstation = await workstation_of(tools, workstation_id)
    assert (workstation.status, workstation.address) == (WorkstationStatus.RUNNING, "127.70.1.2")
    assert workstation.host_keys == HOST_KEYS
    assert [call.split()[0] for call in script.calls] == ["apply"]


async def test_a_failed_apply_keeps_its_state_and_tells_why(tools: Tools, script: Script) -> None:
    diagnostic = '{"type":"diagnostic","diagnostic":{"severity":"error","summary":"No luck","detail":"None left."}}'
    script.on("apply", writes_state(2) + f"echo '{diagnostic}'; exit 1")
    workstation_id, run_id = await spec(tools)
    await execute(tools, run_id)
    run = await run_of(tools, run_id)
    assert (run.status, run.error) == (RunStatus.ERRORED, "Error: No luck\nNone left.")
    assert (await workstation_of(tools, workstation_id)).status is WorkstationStatus.FAILED
    async with tools.database.sessions() as session:
        kept = await state_versions.newest(session, tools.vault, workstation_id)
    assert kept is not None
    assert kept.serial == 2


@pytest.mark.parametrize(("error", "is_unknown"), [("No luck", True), ("Quota 'CPUS' exceeded", False)])
async def test_an_error_without_a_hint_is_logged_with_the_code_that_its_page_shows(
    tools: Tools, script: Script, error: str, is_unknown: bool
) -> None:
    diagnostic = {"type": "diagnostic", "diagnostic": {"severity": "error", "summary": error, "detail": ""}}
    script.on("apply", f"cat <<'END'\n{json.dumps(diagnostic)}\nEND\nexit 1\n")
    _, run_id = await spec(tools)
    with capture_logs() as logs:
        await execute(tools, run_id)
    run = await run_of(tools, run_id)
    hint = runs.hint(run)
    assert hint
    assert ("Error code: E-" in hint.action) is is_unknown
    logged = [(entry["error"], entry["code"] in hint.action) for entry in logs if entry["event"] == "unknown error"]
    assert logged == ([(run.error, True)] if is_unknown else [])


async def test_destroying_plans_first_and_ends_with_nothing(tools: Tools, script: Script) -> None:
    workstation_id = await provisioned(tools, script)
    script.on("plan", tells("planned_change", DISK, "delete"))
    script.on("apply", writes_state(9, empty=True))
    await execute(tools, await ask_destroy(tools, workstation_id))
    assert [call.split()[0] for call in script.calls] == ["apply", "plan", "show", "apply"]
    assert "-destroy" in script.calls[1]
    workstation = await workstation_of(tools, workstation_id)
    assert (workstation.status, workstation.disk_kept, workstation.address) == ("destroyed", False, None)


@pytest.mark.parametrize("action", ["delete", "replace"])
async def test_a_plan_that_loses_a_disk_meant_to_be_kept_waits_for_a_decision(
    tools: Tools, script: Script, action: str
) -> None:
    workstation_id = await provisioned(tools, script)
    script.on("plan", "echo plan > tfplan\n" + tells("planned_change", DISK, action))
    run_id = await ask_destroy(tools, workstation_id, keep_disk=True)
    await execute(tools, run_id)
    run = await run_of(tools, run_id)
    name = (await workstation_of(tools, workstation_id)).disk_name
    lost = [{"address": DISK, "action": action, "name": name}]
    assert (run.status, run.awaits) == (RunStatus.AWAITING_APPROVAL, lost)
    assert "apply" not in {call.split()[0] for call in script.calls[1:]}
    assert (await workstation_of(tools, workstation_id)).status is WorkstationStatus.RUNNING


async def test_a_disk_that_somebody_else_deleted_is_no_reason_to_refuse(tools: Tools, script: Script) -> None:
    workstation_id = await provisioned(tools, script)
    script.on("plan", tells("resource_drift", DISK, "delete") + tells("planned_change", VM, "delete"))
    script.on("apply", writes_state(9))
    run_id = await ask_destroy(tools, workstation_id, keep_disk=True)
    await execute(tools, run_id)
    assert (await run_of(tools, run_id)).status is RunStatus.APPLIED


async def test_deletes_that_went_through_and_were_not_written_down_are_learnt_of(tools: Tools, script: Script) -> None:
    workstation_id = await provisioned(tools, script)
    script.on("plan", "true")
    script.on("apply", writes_state(9, empty=True))
    await execute(tools, await ask_destroy(tools, workstation_id))
    assert script.calls[-1].split()[0] == "apply"
    workstation = await workstation_of(tools, workstation_id)
    assert (workstation.status, workstation.disk_kept) == ("destroyed", False)


async def test_keeping_the_disk_of_a_machine_that_was_never_made_makes_no_disk(tools: Tools, script: Script) -> None:
    workstation_id, _ = await spec(tools)
    script.on("plan", "true")
    await execute(tools, await ask_destroy(tools, workstation_id, keep_disk=True))
    assert "-destroy" in script.calls[0]
    workstation = await workstation_of(tools, workstation_id)
    assert (workstation.status, workstation.disk_kept) == ("destroyed", False)


async def test_an_apply_that_outlived_its_worker_is_followed_to_its_end(tools: Tools, script: Script) -> None:
    script.on("plan", "true")
    workstation_id, run_id = await spec(tools)
    await lost_at(tools, run_id, "apply-1")
    start_as_an_earlier_worker(tools, run_id, "apply-1", f"sleep 0.4; {writes_state(3)}echo made\n")
    await execute(tools, run_id)
    run = await run_of(tools, run_id)
    assert (run.status, run.attempt) == (RunStatus.APPLIED, 2)
    assert "apply" not in {call.split()[0] for call in script.calls}
    assert (await workstation_of(tools, workstation_id)).status is WorkstationStatus.RUNNING
    assert "made" in await log_of(tools, run_id)


async def test_an_apply_killed_when_all_was_done_ends_as_applied(tools: Tools, script: Script) -> None:
    _, run_id = await spec(tools)
    await lost_at(tools, run_id, "apply-1")
    start_as_an_earlier_worker(tools, run_id, "apply-1", f"{writes_state(3)}kill -9 $$")
    script.on("plan", "true")
    await execute(tools, run_id)
    run = await run_of(tools, run_id)
    assert (run.status, run.attempt) == (RunStatus.APPLIED, 2)


async def test_a_plan_that_outlived_its_worker_has_ended_before_the_next_one_begins(
    tools: Tools, script: Script, tmp_path: Path
) -> None:
    _, run_id = await spec(tools)
    await lost_at(tools, run_id, "plan-1")
    lock = tmp_path / "state-lock"
    start_as_an_earlier_worker(
        tools, run_id, "plan-1", f"touch {lock}; trap 'rm {lock}; exit 1' INT; while true; do sleep 0.05; done"
    )
    script.on("plan", f"[ -e {lock} ] && exit 1\n" + tells("planned_change", VM, "create"))
    script.on("apply", writes_state(3))
    await execute(tools, run_id)
    assert (await run_of(tools, run_id)).status is RunStatus.APPLIED


async def test_a_root_that_cannot_be_initialised_ends_the_run_with_terraforms_words(
    tools: Tools, script: Script
) -> None:
    script.on("init", "echo 'registry is away'; exit 1")
    workstation_id, run_id = await spec(tools)
    await execute(tools, run_id)
    run = await run_of(tools, run_id)
    assert run.status is RunStatus.ERRORED
    assert "registry is away" in (run.error or "")
    assert (await workstation_of(tools, workstation_id)).status is WorkstationStatus.FAILED


class UnreachableCompute(PromptCompute):
    """Google cannot be asked for the first few times."""

    def __init__(self, tools: Tools, *errors: Exception) -> None:
        super().__init__(tools.settings)
        self._errors = list(errors)

    async def guest_attributes(self, zone: str, instance: str) -> dict[str, str]:
        if self._errors:
            raise self._errors.pop(0)
        return self.told


async def test_googles_api_being_away_while_a_machine_boots_is_waited_for(tools: Tools, script: Script) -> None:
    compute = UnreachableCompute(tools, ConnectionError("no route"), DefaultCredentialsError("no credentials"))
    await provisioned(replace(tools, compute=compute), script)


async def test_a_machine_that_never_says_who_it_is_ends_the_run_with_the_last_reason(
    tools: Tools, script: Script
) -> None:
    compute = UnreachableCompute(tools, *[DefaultCredentialsError("no credentials")] * 1000)
    tools = replace(tools, compute=compute, settings=tools.settings.model_copy(update={"boot_timeout": 1}))
    script.on("apply", writes_state(3))
    _, run_id = await spec(tools)
    await execute(tools, run_id)
    run = await run_of(tools, run_id)
    assert run.status is RunStatus.ERRORED
    assert "no credentials" in (run.error or "")


async def test_output_with_characters_that_the_database_refuses_is_kept_readable(tools: Tools, script: Script) -> None:
    script.on("apply", writes_state(3) + "printf 'a\\000b\\302\\205c\\n'; echo '{\"@message\": \"d\\u0000e\"}'\n")
    _, run_id = await spec(tools)
    await execute(tools, run_id)
    told = await log_of(tools, run_id)
    assert "a\N{REPLACEMENT CHARACTER}b\x85c" in told
    assert "d\N{REPLACEMENT CHARACTER}e" in told


async def test_terraform_is_watched_while_the_database_does_not_answer(tools: Tools, script: Script) -> None:
    let_go = script.folder / "let-go"
    says = f"until [ -e {let_go} ]; do {tells('apply_start', DISK, 'create')} sleep 0.05; done"
    script.on("apply", f"{says}\n{writes_state(3)}")
    _, run_id = await spec(tools)
    watched = tools.settings.data_dir.resolve() / "worker" / "runs" / run_id / "work" / WATCHED
    executing = asyncio.create_task(execute(tools, run_id))
    try:
        async with asyncio.timeout(60):
            while (await run_of(tools, run_id)).status is not RunStatus.APPLYING or not watched.exists():
                await asyncio.sleep(0.05)
            async with tools.database.sessions.begin() as session:
                await session.get_one(Run, run_id, with_for_update=True)
                await until_a_transaction_waits(tools.database)
                # The follower waits for the row.
                os.utime(watched, (0, 0))
                while not watched.stat().st_mtime:
                    await asyncio.sleep(0.05)
    finally:
        let_go.touch()
        await executing
    assert (await run_of(tools, run_id)).status is RunStatus.APPLIED


async def test_a_state_that_the_database_did_not_take_is_stored_once_it_does(
    tools: Tools, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    script.on("apply", f"{writes_state(3)}sleep 1\n")
    store, refused = state_versions.store, 0

    async def refuse_once(*arguments: Any) -> None:
        nonlocal refused
        refused += 1
        if refused == 1:
            raise OperationalError("INSERT", {}, psycopg.OperationalError("away"))
        await store(*arguments)

    monkeypatch.setattr(state_versions, "store", refuse_once)
    workstation_id, run_id = await spec(tools)
    await execute(tools, run_id)
    assert refused == 2
    assert (await run_of(tools, run_id)).status is RunStatus.APPLIED
    async with tools.database.sessions() as session:
        newest = await state_versions.newest(session, tools.vault, workstation_id)
    assert newest
    assert newest.serial == 3
