"""A change of SSH keys: what goes on by itself, what waits for a decision, and what becomes of the machine."""

import json
from typing import Any

import asyncssh
import pytest

from app.models import RunKind, RunStatus, Stack, WorkstationStatus
from app.services import runs
from app.services.keys import machine_keys, ssh_keys
from app.services.people import members
from app.worker.claim import Tools
from app.worker.execute import execute
from tests.app.worker.scripted import (
    DISK,
    FAILS,
    VM,
    Script,
    log_of,
    provisioned,
    run_of,
    spec,
    tells,
    workstation_of,
    writes_state,
)
from tests.parts import identity

pytestmark = pytest.mark.anyio
KEYS = {"metadata": ({"ssh-keys": "grace:a"}, {"ssh-keys": "grace:a\ngrace:b"})}


async def add_key(tools: Tools, workstation_id: str, name: str = "laptop") -> str:
    """Returns the id of the run that is queued then."""
    pasted = asyncssh.generate_private_key("ssh-ed25519", comment="x").export_public_key().decode()
    async with tools.database.sessions.begin() as session:
        grace = await members.sign_in(tools.context(session), identity("grace"))
        await ssh_keys.add(tools.context(session).acting(grace), name, pasted)
        return (await runs.pending(session, workstation_id))[-1].id


def plans(script: Script, **changed: tuple[Any, Any]) -> None:
    """From here on a plan updates the machine's attributes: name → before and after."""
    change = {
        "actions": ["update"],
        "before": {name: before for name, (before, _) in changed.items()},
        "after": {name: after for name, (_, after) in changed.items()},
    }
    resource = {
        "address": VM,
        "mode": "managed",
        "type": "google_compute_instance",
        "name": "workstation",
        "change": change,
    }
    script.on("plan", "echo plan > tfplan\n" + tells("planned_change", VM, "update"))
    script.on("show", f"cat <<'END'\n{json.dumps({'resource_changes': [resource]})}\nEND\n")


async def test_keys_change_in_place_and_nobody_waits_for_a_boot(tools: Tools, script: Script) -> None:
    workstation_id = await provisioned(tools, script)
    run_id = await add_key(tools, workstation_id)
    plans(script, **KEYS)
    script.on("apply", writes_state(4))
    before = await workstation_of(tools, workstation_id)
    await execute(tools, run_id)
    run, after = await run_of(tools, run_id), await workstation_of(tools, workstation_id)
    assert (run.kind, run.status, run.booting_at) == (RunKind.REKEY, RunStatus.APPLIED, None)
    assert "now has exactly its owner's SSH keys" in await log_of(tools, run_id)
    assert (after.status, after.running_at) == (WorkstationStatus.RUNNING, before.running_at)


@pytest.mark.parametrize(
    "more", [{"machine_type": ("e2-standard-4", "e2-standard-8")}, {"labels": ({"by": "hand"}, {})}]
)
async def test_a_plan_that_would_do_more_than_keys_waits_for_a_decision(
    tools: Tools, script: Script, more: dict[str, tuple[Any, Any]]
) -> None:
    workstation_id = await provisioned(tools, script)
    run_id = await add_key(tools, workstation_id)
    plans(script, **KEYS, **more)
    await execute(tools, run_id)
    run = await run_of(tools, run_id)
    assert (run.status, run.awaits) == (RunStatus.AWAITING_APPROVAL, [{"address": VM, "action": "update"}])
    assert run.confirmations == []
    assert [call.split()[0] for call in script.calls] == ["apply", "plan", "show"]
    assert (await workstation_of(tools, workstation_id)).status is WorkstationStatus.RUNNING


async def test_keys_that_did_not_get_there_leave_the_machine_running(tools: Tools, script: Script) -> None:
    workstation_id = await provisioned(tools, script)
    run_id = await add_key(tools, workstation_id)
    plans(script, **KEYS)
    script.on("apply", FAILS)
    await execute(tools, run_id)
    assert (await run_of(tools, run_id)).status is RunStatus.ERRORED
    assert (await workstation_of(tools, workstation_id)).status is WorkstationStatus.RUNNING
    async with tools.database.sessions() as session:
        assert await runs.pending(session, workstation_id) == []


async def test_where_nothing_was_made_no_machine_is_made_for_the_keys(tools: Tools, script: Script) -> None:
    script.on("apply", FAILS)
    workstation_id, provision = await spec(tools)
    await execute(tools, provision)
    async with tools.database.sessions.begin() as session:
        (await session.get_one(Stack, workstation_id)).needs_reconcile = False
    run_id = await add_key(tools, workstation_id)
    await execute(tools, run_id)
    assert (await run_of(tools, run_id)).status is RunStatus.NO_CHANGES
    assert [call.split()[0] for call in script.calls] == ["apply"]


async def test_a_run_that_fails_is_followed_by_the_keys_that_it_did_not_bring(tools: Tools, script: Script) -> None:
    workstation_id = await provisioned(tools, script)
    script.on("plan", tells("planned_change", DISK, "update"))
    script.on("apply", FAILS)
    async with tools.database.sessions.begin() as session:
        before = await runs.last_inputs(session, workstation_id)
        stack = await session.get_one(Stack, workstation_id)
        spec = {**before, "disk_size_gb": 200}
        change = await runs.request(tools.context(session), stack, RunKind.UPDATE, spec)
    await add_key(tools, workstation_id)
    await execute(tools, change.id)
    assert (await run_of(tools, change.id)).status is RunStatus.ERRORED
    async with tools.database.sessions() as session:
        [rekey] = await runs.pending(session, workstation_id)
        await machine_keys.bind(session, rekey)
    assert (rekey.kind, rekey.inputs["disk_size_gb"], rekey.requested_by) == (RunKind.REKEY, 100, None)
