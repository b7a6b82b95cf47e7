"""Adoption: what exists and no state knows is found by the name it would get, and taken in if it is ours."""

import json
import re
from dataclasses import replace

import pytest

from app.config import REPOSITORY
from app.models import RunStatus, Stack
from app.worker.adopt import _IDS, ids_of_creates
from app.worker.claim import Tools
from app.worker.execute import execute
from tests.app.worker.scripted import (
    DISK,
    VM,
    PromptCompute,
    Script,
    ask_destroy,
    log_of,
    lost_at,
    run_of,
    spec,
    tells,
    workstation_of,
    writes_state,
)

pytestmark = pytest.mark.anyio
DISK_ID = "projects/test-project/zones/europe-west4-a/disks/dev-1-home"


def would_create(*resources: tuple[str, str, str]) -> str:
    """`terraform show -json` of a plan that creates these: address, type, name."""
    changes = [
        {
            "address": address,
            "mode": "managed",
            "type": kind,
            "name": "it",
            "change": {
                "actions": ["create"],
                "after": {"project": "test-project", "zone": "europe-west4-a", "name": name},
            },
        }
        for address, kind, name in resources
    ]
    return f"cat <<'END'\n{json.dumps({'resource_changes': changes})}\nEND\n"


def with_compute(tools: Tools) -> tuple[Tools, PromptCompute]:
    compute = PromptCompute(tools.settings)
    return replace(tools, compute=compute), compute


async def killed_while_applying(tools: Tools, script: Script) -> tuple[str, str]:
    """A first create whose host is gone: no folder, no state, and the stack is not settled."""
    workstation_id, run_id = await spec(tools)
    await lost_at(tools, run_id, "apply-1.1")
    async with tools.database.sessions.begin() as session:
        (await session.get_one(Stack, workstation_id)).needs_reconcile = True
    script.on("show", would_create((DISK, "google_compute_disk", "dev-1-home")))
    script.on("plan", tells("planned_change", VM, "create"))
    script.on("apply", writes_state(9))
    script.on("import", writes_state(5))
    return workstation_id, run_id


async def test_what_a_killed_create_left_is_imported_before_the_next_plan(tools: Tools, script: Script) -> None:
    tools, compute = with_compute(tools)
    workstation_id, run_id = await killed_while_applying(tools, script)
    compute.existing[DISK_ID] = {"stationmaster-stack": workstation_id}
    compute.pending = [["insert of dev-1"], ["insert of dev-1"]]
    await execute(tools, run_id)
    assert (await run_of(tools, run_id)).status is RunStatus.APPLIED
    assert [call.split()[0] for call in script.calls] == ["plan", "show", "import", "plan", "show", "apply"]
    assert script.calls[2].endswith(f"{DISK} {DISK_ID}")
    told = await log_of(tools, run_id)
    assert told.count("insert of dev-1") == 1
    assert f"Found {DISK_ID}" in told
    async with tools.database.sessions() as session:
        assert not (await session.get_one(Stack, workstation_id)).needs_reconcile


async def test_a_destroy_also_finds_what_no_state_knows(tools: Tools, script: Script) -> None:
    tools, compute = with_compute(tools)
    workstation_id, run_id = await killed_while_applying(tools, script)
    compute.existing[DISK_ID] = {"stationmaster-stack": "of-somebody-else"}
    await execute(tools, run_id)
    assert (await run_of(tools, run_id)).status is RunStatus.ERRORED
    compute.existing[DISK_ID] = {"stationmaster-stack": workstation_id}
    script.on("plan", tells("planned_change", DISK, "delete"))
    script.on("apply", writes_state(12, empty=True))
    destroy = await ask_destroy(tools, workstation_id)
    await execute(tools, destroy)
    assert (await run_of(tools, destroy)).status is RunStatus.APPLIED
    assert [call.split()[0] for call in script.calls[-6:]] == ["plan", "show", "import", "plan", "show", "apply"]
    assert "-destroy" not in script.calls[-6]
    assert "-destroy" in script.calls[-3]
    assert not (await workstation_of(tools, workstation_id)).disk_kept


async def test_what_is_somebody_elses_stops_the_run_and_is_not_touched(tools: Tools, script: Script) -> None:
    tools, compute = with_compute(tools)
    _, run_id = await killed_while_applying(tools, script)
    compute.existing[DISK_ID] = {}
    await execute(tools, run_id)
    run = await run_of(tools, run_id)
    assert run.status is RunStatus.ERRORED
    assert "belongs to something else" in (run.error or "")
    assert {call.split()[0] for call in script.calls} == {"plan", "show"}


async def test_what_was_found_but_would_be_replaced_is_refused(tools: Tools, script: Script) -> None:
    tools, compute = with_compute(tools)
    workstation_id, run_id = await killed_while_applying(tools, script)
    compute.existing[DISK_ID] = {"stationmaster-stack": workstation_id}
    script.on("plan", tells("planned_change", DISK, "replace"))
    await execute(tools, run_id)
    run = await run_of(tools, run_id)
    assert run.status is RunStatus.ERRORED
    assert "would be replaced" in (run.error or "")


async def test_nothing_is_looked_for_once_an_apply_has_ended_well(tools: Tools, script: Script) -> None:
    script.on("apply", writes_state(3))
    workstation_id, run_id = await spec(tools)
    await execute(tools, run_id)
    script.on("plan", tells("planned_change", DISK, "delete"))
    script.on("apply", writes_state(9, empty=True))
    await execute(tools, await ask_destroy(tools, workstation_id))
    assert "import" not in {call.split()[0] for call in script.calls}
    assert "Checking Google for resources" not in await log_of(tools, run_id)


def test_every_type_in_the_workstations_root_can_be_adopted() -> None:
    files = [*REPOSITORY.glob("terraform/workstation/*.tf"), *REPOSITORY.glob("terraform/modules/compute*/*.tf")]
    types = {kind for file in files for kind in re.findall(r'^resource "(\w+)"', file.read_text(), re.MULTILINE)}
    assert types == set(_IDS)


def test_only_what_would_be_created_is_looked_for() -> None:
    change = {"mode": "managed", "type": "google_compute_disk", "address": "a"}
    after = {"project": "p", "zone": "z", "name": "n"}
    shown = {
        "resource_changes": [
            {**change, "change": {"actions": ["create"], "after": after}},
            {**change, "address": "b", "change": {"actions": ["delete", "create"], "after": after}},
            {**change, "address": "c", "change": {"actions": ["no-op"], "after": after}},
        ]
    }
    assert ids_of_creates(shown) == {"a": "projects/p/zones/z/disks/n"}
