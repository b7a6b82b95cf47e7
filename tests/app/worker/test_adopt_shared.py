"""What an interrupted run of the shared stack left is found at Google, and taken into the state."""

import json
import re
from typing import Any

import pytest

from app.config import REPOSITORY
from app.models import Run, RunStatus, Stack
from app.services.terraform.state_versions import State
from app.worker.adopt_shared import IDS, MADE_AGAIN, UNMARKED, is_of, planned_creates
from app.worker.claim import Tools
from app.worker.execute import execute
from tests.app.worker.scripted import FAILS, Script, log_of, run_of
from tests.app.worker.shared_stack import BUCKET, Shared, change
from tests.parts import MovingClock

pytestmark = pytest.mark.anyio
GRANT = 'google_project_iam_member.admin["user:eve@example.com"]'


@pytest.fixture
def shared(tools: Tools, script: Script) -> Shared:
    return Shared(tools, script)


NAMES = {BUCKET: {"name": "data-x"}, GRANT: {"role": "roles/owner", "member": "user:eve@example.com"}}
"""What is looked for, with the attributes by which it is."""


def wanted(address: str, **more: str) -> dict[str, Any]:
    """The plan to create it, which says by what names it is looked for."""
    created = change(address, "create")
    created["change"]["after"] = {"project": "p", **NAMES.get(address, {}), **more}
    return created


async def interrupted(shared: Shared) -> str:
    """Its last apply left the bucket at Google and not in the state; the stack's ID."""
    await shared.applied()
    stack_id = (await shared.stack()).id
    async with shared.tools.database.sessions.begin() as session:
        (await session.get_one(Stack, stack_id)).needs_reconcile = True
    shared.plans_to(wanted(BUCKET))
    return stack_id


def importing(shared: Shared, stack_id: str, *then: dict[str, Any]) -> str:
    """Shell of the first import, which looks, and of the second, after which this is planned."""
    attributes = {"effective_labels": {"stationmaster-stack": stack_id}}
    resource = {"mode": "managed", "type": "t", "name": "data", "instances": [{"attributes": attributes}]}
    state = json.dumps({"version": 4, "serial": 1, "lineage": "probe", "resources": [resource]})
    later = shared.script.folder / "later.json"
    later.write_text(json.dumps({"resource_changes": then}))
    takes = f'echo "cat {later}" > "$(dirname "$0")/show"'
    return f"if [ ! -e probe.tfstate ]; then echo '{state}' > probe.tfstate; else {takes}; fi"


async def configured(shared: Shared, **fields: object) -> Run:
    """The run, as far as it goes by itself."""
    run_id = await shared.configure(**fields or {"ssh_allowed_ips": ["203.0.113.0/24"]})
    await execute(shared.tools, run_id)
    return await run_of(shared.tools, run_id)


async def test_after_an_interruption_it_looks_for_what_is_there_and_takes_over_its_own(shared: Shared) -> None:
    shared.script.on("import", importing(shared, await interrupted(shared)))
    log = await log_of(shared.tools, (await configured(shared)).id)
    assert "Found data-x, created for this stack. Adopting it." in log


async def test_what_is_not_there_is_looked_for_once_however_often_something_else_is_found(shared: Shared) -> None:
    stack_id = await interrupted(shared)
    secret = wanted("google_secret_manager_secret.absent", secret_id="absent")
    shared.plans_to(wanted(BUCKET), secret)
    absent = "echo 'Cannot import non-existent remote object' >&2; exit 1"
    present = importing(shared, stack_id, secret)
    shared.script.on("import", f'case "$*" in *absent*) {absent} ;; *) {present} ;; esac\n')
    calls = len(shared.script.calls)
    await configured(shared)
    looked = [call for call in shared.script.calls[calls:] if call.startswith("import")]
    assert sum("secrets/absent" in call for call in looked) == 1
    assert sum("data-x" in call for call in looked) == 2, "to look, and to take in"


async def test_what_bears_another_stacks_id_is_not_touched(shared: Shared) -> None:
    await interrupted(shared)
    shared.script.on("import", importing(shared, "another"))
    run = await configured(shared)
    assert run.status is RunStatus.ERRORED
    assert "data-x already exists at Google and belongs to something else" in str(run.error)


async def test_a_destroy_deletes_what_it_has_just_adopted(shared: Shared) -> None:
    lost = change(BUCKET, "delete", name="data-x")
    shared.script.on("import", importing(shared, await interrupted(shared), lost))
    run_id = await shared.ask("destroy")
    await execute(shared.tools, run_id)
    run = await run_of(shared.tools, run_id)
    assert (run.status, run.confirmations) == (RunStatus.AWAITING_APPROVAL, ["data-x"])
    await shared.approve(run_id, ["data-x"])
    await execute(shared.tools, run_id)
    assert (await run_of(shared.tools, run_id)).status is RunStatus.APPLIED


async def test_what_was_adopted_is_replaced_only_by_who_types_its_name(shared: Shared) -> None:
    lost = change(BUCKET, "replace", name="data-x")
    shared.script.on("import", importing(shared, await interrupted(shared), lost))
    run = await configured(shared)
    assert (run.status, run.confirmations) == (RunStatus.AWAITING_APPROVAL, ["data-x"])


async def failed(shared: Shared, clock: MovingClock, address: str) -> None:
    """A run with storage switched on, whose Terraform failed, is the only one that wants what has this address."""
    await shared.applied()
    clock.advance(minutes=1)
    shared.plans_to(wanted(BUCKET))
    shared.script.on("apply", FAILS)
    run = await configured(shared, deploy_storage=True)
    await shared.approve(run.id)
    await execute(shared.tools, run.id)
    assert (await run_of(shared.tools, run.id)).status is RunStatus.ERRORED

    shared.plans_to(wanted(address))
    shown = (shared.script.folder / "show").read_text()
    if_wanted = "grep -q '\"deploy_storage\": true' terraform.tfvars.json"
    shared.script.on("show", f"if {if_wanted}; then\n{shown}\nelse echo '{{}}'; fi\n")


async def test_what_a_failed_run_left_is_found_by_a_run_that_does_not_want_it(
    shared: Shared, clock: MovingClock
) -> None:
    await failed(shared, clock, BUCKET)
    lost = change(BUCKET, "delete", name="data-x")
    shared.script.on("import", importing(shared, (await shared.stack()).id, lost))
    run = await configured(shared, deploy_storage=False)
    assert (run.status, run.confirmations) == (RunStatus.AWAITING_APPROVAL, ["data-x"])


async def test_a_role_that_a_failed_run_granted_is_found_by_a_run_that_does_not_grant_it(
    shared: Shared, clock: MovingClock
) -> None:
    await failed(shared, clock, GRANT)
    shared.script.on("import", importing(shared, (await shared.stack()).id))
    run = await configured(shared, deploy_storage=False)
    assert "Found p roles/owner user:eve@example.com" in await log_of(shared.tools, run.id)


def test_every_type_of_the_root_is_looked_for_or_can_be_made_again() -> None:
    files = [*REPOSITORY.glob("terraform/shared/*.tf"), *REPOSITORY.glob("terraform/modules/*/*.tf")]
    of_workstations = ("compute", "compute_configure")
    ours = [file for file in files if file.parent.name not in of_workstations]
    types = {found for file in ours for found in re.findall(r'^resource "(\w+)"', file.read_text(), re.MULTILINE)}
    assert types == set(IDS) | MADE_AGAIN
    assert set(IDS) >= UNMARKED


def test_links_stand_for_names_in_import_ids_and_what_is_not_known_is_left_out() -> None:
    peering = change("module.peering[0].google_compute_network_peering.there", "create")
    network = "https://www.googleapis.com/compute/v1/projects/p/global/networks/default"
    peering["change"]["after"] = {"project": "p", "network": network, "name": "there"}
    unknown = change("module.peering[0].google_compute_network_peering.back", "create")
    unknown["change"]["after"] = {"project": "p", "name": "back"}
    found = planned_creates({"resource_changes": [peering, unknown]})
    assert found == [(peering["address"], "google_compute_network_peering", "p/default/there")]


@pytest.mark.parametrize(
    ("attributes", "ours"),
    [
        ({"labels": None, "effective_labels": {"stationmaster-stack": "s1"}}, True),
        ({"resource_labels": None, "effective_labels": {"stationmaster-stack": "s1"}}, True),
        ({"effective_labels": {}, "description": "stationmaster-stack=s1"}, True),
        ({"settings": [{"user_labels": {"stationmaster-stack": "s1"}}]}, True),
        ({"description": "SSH. stationmaster-stack=s1"}, True),
        ({"effective_labels": {"stationmaster-stack": "s2"}}, False),
        ({"effective_labels": {}, "description": ""}, False),
    ],
)
def test_whose_a_thing_is_stands_in_its_labels_or_description(attributes: dict[str, Any], ours: bool) -> None:
    resource = {"mode": "managed", "type": "t", "name": "n", "instances": [{"attributes": attributes}]}
    raw = {"version": 4, "serial": 1, "lineage": "x", "resources": [resource]}
    assert is_of(State(json.dumps(raw).encode()), "s1") is ours
