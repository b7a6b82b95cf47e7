"""A boot disk only grows: what somebody enlarged in Google's console is taken in by whatever run comes next."""

import json

import pytest

from app.models import RunStatus
from app.worker.claim import Tools
from app.worker.decide import MACHINE
from app.worker.execute import execute
from tests.app.worker.scripted import FAILS, Script, log_of, provisioned, run_of, state, tells, workstation_of
from tests.app.worker.test_rekey import add_key
from tests.app.worker.test_unasked import ask
from tests.parts import MovingClock

pytestmark = pytest.mark.anyio
TAKEN_IN = "The boot disk was enlarged to 80 GB outside the portal. Keeping this size."


def google_has(script: Script, size_gb: int) -> None:
    """A plan for less would make the boot disk smaller, which Google refuses; one for as much finds nothing."""
    variables = "terraform.tfvars.json"
    wanted = f"$(sed -n 's/.*\"boot_disk_size_gb\": \\([0-9]*\\).*/\\1/p' {variables})"
    script.on("plan", f"echo plan > tfplan\n[ {wanted} -ge {size_gb} ] || {tells('planned_change', MACHINE, 'update')}")

    def side(size: int) -> dict[str, object]:
        return {"boot_disk": [{"initialize_params": [{"size": size}]}], "machine_type": "e2-standard-4"}

    change = {"actions": ["update"], "before": side(size_gb), "after": side(50)}
    resource = {"address": MACHINE, "mode": "managed", "type": "google_compute_instance", "name": "workstation"}
    shrinks, nothing = ({"resource_changes": found} for found in ([{**resource, "change": change}], []))
    script.on(
        "show",
        f"if [ {wanted} -ge {size_gb} ]; then echo '{json.dumps(nothing)}'; else echo '{json.dumps(shrinks)}'; fi\n",
    )


@pytest.mark.parametrize(
    ("what", "fields", "status"),
    [
        ("check", {}, RunStatus.NO_CHANGES),
        ("change", {"disk_size_gb": 200}, RunStatus.NO_CHANGES),
        ("change", {"boot_disk_size_gb": 60}, RunStatus.NO_CHANGES),
    ],
)
async def test_what_grew_at_google_is_taken_in_without_a_question(
    tools: Tools, script: Script, clock: MovingClock, what: str, fields: dict[str, object], status: RunStatus
) -> None:
    workstation_id = await provisioned(tools, script)
    google_has(script, 80)
    clock.advance(minutes=1)
    run_id = await ask(tools, workstation_id, what, fields)
    await execute(tools, run_id)
    run, workstation = await run_of(tools, run_id), await workstation_of(tools, workstation_id)
    assert (run.status, run.inputs["boot_disk_size_gb"]) == (status, 80), run.error
    assert (workstation.boot_disk_size_gb, workstation.has_drifted) == (80, False)
    assert TAKEN_IN in await log_of(tools, run_id)

    clock.advance(minutes=1)
    again = await ask(tools, workstation_id, "check")
    await execute(tools, again)
    assert TAKEN_IN not in await log_of(tools, again)


async def test_so_is_it_by_a_change_of_keys(tools: Tools, script: Script, clock: MovingClock) -> None:
    workstation_id = await provisioned(tools, script)
    google_has(script, 80)
    clock.advance(minutes=1)
    run_id = await add_key(tools, workstation_id)
    await execute(tools, run_id)
    assert (await run_of(tools, run_id)).status is RunStatus.NO_CHANGES
    assert (await workstation_of(tools, workstation_id)).boot_disk_size_gb == 80


async def test_one_that_a_run_enlarged_stays_so_where_the_run_fails(
    tools: Tools, script: Script, clock: MovingClock
) -> None:
    workstation_id = await provisioned(tools, script)
    script.on("plan", "echo plan > tfplan\n" + tells("planned_change", MACHINE, "update"))
    script.on("show", "echo '{}'\n")
    grown = json.loads(state(5))
    machine = {"boot_disk": [{"initialize_params": [{"size": 80}]}]}
    grown["resources"].append(
        {"mode": "managed", "type": "google_compute_instance", "name": "m", "instances": [{"attributes": machine}]}
    )
    script.on("apply", f"echo '{json.dumps(grown)}' > terraform.tfstate\n{FAILS}")
    clock.advance(minutes=1)
    run_id = await ask(tools, workstation_id, fields={"boot_disk_size_gb": 80, "machine_type": "e2-standard-8"})
    await execute(tools, run_id)
    workstation = await workstation_of(tools, workstation_id)
    assert (await run_of(tools, run_id)).status is RunStatus.ERRORED
    assert (workstation.boot_disk_size_gb, workstation.machine_type) == (80, "e2-standard-4")
