"""A list of IAM admins that is to be the whole list: who loses the role by it is named, as Google has it then."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from app.models import RunStatus
from app.worker.claim import Tools
from app.worker.execute import execute
from tests.app.worker.scripted import Script, run_of
from tests.app.worker.shared_stack import Shared, change
from tests.emulator.world import PROJECT
from tests.emulator_process import EmulatorProcess, start_emulator

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("emulated-policy")]
BINDING = "google_project_iam_binding.this[0]"
OWNER = "roles/owner"
ADA, GRACE, LINUS = (f"user:{name}@example.com" for name in ("ada", "grace", "linus"))


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatorProcess]:
    emulator = start_emulator(tmp_path_factory.mktemp("cloud"))
    yield emulator
    emulator.stop()


@pytest.fixture
def google(cloud: EmulatorProcess) -> Iterator[EmulatorProcess]:
    yield cloud
    cloud.clear_faults()


@pytest.fixture
def shared(tools: Tools, script: Script, google: EmulatorProcess) -> Shared:
    settings = tools.settings.model_copy(update={"google_project": PROJECT, "google_endpoint": google.url})
    return Shared(replace(tools, settings=settings), script)


def own(google: EmulatorProcess, *members: str) -> None:
    """At Google, exactly these are owners."""
    policy = {"bindings": [{"role": OWNER, "members": list(members)}]}
    google.call("POST", f"/v3/projects/{PROJECT}:setIamPolicy", {"policy": policy})


def binding(*members: str, before: tuple[str, ...] = ()) -> dict[str, Any]:
    """The plan of a list that is to be all who have the role."""
    planned = change(BINDING, "update" if before else "create", **({"members": list(before)} if before else {}))
    planned["change"]["after"] = {"role": OWNER, "members": list(members)}
    return planned


def loses(member: str) -> dict[str, str]:
    return {"address": BINDING, "action": "remove", "member": member, "role": OWNER}


async def planned(shared: Shared, *changes: dict[str, Any]) -> tuple[str, list[dict[str, str]]]:
    """The run, and what it awaits besides the changes themselves."""
    shared.plans_to(*changes)
    shared.leaves(4)
    run_id = await shared.configure(authoritative_admins=True)
    await execute(shared.tools, run_id)
    run = await run_of(shared.tools, run_id)
    assert run.status is RunStatus.AWAITING_APPROVAL, run.error
    return run_id, run.awaits[len(changes) :]


async def test_whoever_would_lose_the_role_is_named_and_the_role_is_to_be_typed(
    shared: Shared, google: EmulatorProcess
) -> None:
    own(google, ADA, GRACE, LINUS)
    run_id, awaits = await planned(shared, binding(ADA))
    assert awaits == [{"address": BINDING, "action": "restrict", "name": OWNER}, loses(GRACE), loses(LINUS)]
    assert (await run_of(shared.tools, run_id)).confirmations == [OWNER]


async def test_a_new_list_is_confirmed_even_if_nobody_loses_the_role(shared: Shared, google: EmulatorProcess) -> None:
    own(google, ADA)
    _, awaits = await planned(shared, binding(ADA, GRACE))
    assert awaits == [{"address": BINDING, "action": "restrict", "name": OWNER}]


async def test_a_list_that_only_grows_has_nobody_to_name(shared: Shared, google: EmulatorProcess) -> None:
    own(google, ADA)
    assert (await planned(shared, binding(ADA, GRACE, before=(ADA,))))[1] == []


async def test_whoever_was_added_at_google_is_named_and_who_leaves_the_list_only_once(
    shared: Shared, google: EmulatorProcess
) -> None:
    own(google, ADA, GRACE, LINUS)
    leaves = change(f'google_project_iam_member.admin["{GRACE}"]', "delete", member=GRACE, role=OWNER)
    _, awaits = await planned(shared, leaves, binding(ADA, before=(ADA, GRACE)))
    assert awaits == [{"address": BINDING, "action": "restrict", "name": OWNER}, loses(LINUS)]


async def test_whoever_got_the_role_since_the_approval_is_asked_about(shared: Shared, google: EmulatorProcess) -> None:
    own(google, ADA)
    run_id, _ = await planned(shared, binding(ADA))
    await shared.approve(run_id, [OWNER])
    own(google, ADA, GRACE)
    await execute(shared.tools, run_id)
    run = await run_of(shared.tools, run_id)
    assert (run.status, run.awaits[-1], run.approved_at) == (RunStatus.AWAITING_APPROVAL, loses(GRACE), None)
    await shared.approve(run_id, [OWNER])
    await execute(shared.tools, run_id)
    assert (await run_of(shared.tools, run_id)).status is RunStatus.APPLIED


@pytest.mark.parametrize("address", [BINDING, f'google_project_iam_member.admin["{ADA}"]'])
async def test_a_policy_that_cannot_be_read_stops_the_plan_with_the_reason(
    shared: Shared, google: EmulatorProcess, address: str
) -> None:
    google.fault(op="getIamPolicy", status=403, message="The caller does not have permission", times=100)
    shared.plans_to(change(address, "create") | {"change": binding(ADA)["change"]})
    run_id = await shared.configure()
    await execute(shared.tools, run_id)
    run = await run_of(shared.tools, run_id)
    assert run.status is RunStatus.ERRORED
    assert str(run.error).startswith("The project's IAM policy could not be read, so its changes were not planned:")
    assert "The caller does not have permission" in str(run.error)
