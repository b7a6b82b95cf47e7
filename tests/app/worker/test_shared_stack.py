"""Runs of the shared stack: planned, decided by somebody but for allowed IPs, and applied as they were shown."""

import pytest

from app.models import CancelMode, RunStatus
from app.services import runs
from app.services.people import members
from app.services.shared import shared_stack
from app.services.terraform import plans
from app.worker.claim import Tools
from app.worker.decide import awaited
from app.worker.execute import execute
from tests.app.worker.scripted import Script, log_of, make_tools, run_of, tells
from tests.app.worker.shared_stack import BUCKET, FIREWALL, Shared, change
from tests.parts import MovingClock, identity

pytestmark = pytest.mark.anyio


@pytest.fixture
def shared(tools: Tools, script: Script) -> Shared:
    return Shared(tools, script)


async def test_the_first_apply_waits_for_a_decision_like_every_other(shared: Shared) -> None:
    shared.plans_to(change(BUCKET, "create"))
    run_id = await shared.configure()
    await execute(shared.tools, run_id)
    run = await run_of(shared.tools, run_id)
    assert (run.status, run.awaits) == (RunStatus.AWAITING_APPROVAL, [{"address": BUCKET, "action": "create"}])
    assert run.confirmations == []
    assert (await shared.stack()).status == "absent"
    assert "apply" not in {call.split()[0] for call in shared.script.calls}


async def test_what_was_approved_is_applied_and_its_open_outputs_are_for_everybody(shared: Shared) -> None:
    await shared.applied()
    stack = await shared.stack()
    assert (stack.status, stack.outputs) == ("ready", {"mlflow_url": "http://mlflow"})
    assert stack.settings["prefix"] == "test-project"


async def test_passwords_reach_terraform_by_its_environment_alone(shared: Shared) -> None:
    await shared.applied()
    secrets = shared_stack.secrets_of(await shared.stack(), shared.tools.vault)
    environment = (shared.script.folder / "env").read_text().splitlines()
    assert {f"TF_VAR_{name}={value}" for name, value in secrets.items()} <= set(environment)


async def test_a_password_that_terraform_says_is_not_in_the_log(shared: Shared) -> None:
    shared.plans_to(change(BUCKET, "create"))
    shared.script.on("plan", 'echo plan > tfplan\necho "the password is $TF_VAR_sql_password"\n')
    run_id = await shared.configure()
    await execute(shared.tools, run_id)
    assert "the password is (secret)" in await log_of(shared.tools, run_id)


@pytest.mark.parametrize("action", ["create", "update", "delete"])
async def test_what_allowed_ips_change_alone_goes_on_by_itself(shared: Shared, action: str) -> None:
    await shared.applied()
    shared.plans_to(change(FIREWALL, action, name="mlflow-access"))
    shared.leaves(4)
    run_id = await shared.configure(ssh_allowed_ips=[])
    await execute(shared.tools, run_id)
    assert (await run_of(shared.tools, run_id)).status is RunStatus.APPLIED


async def test_together_with_anything_else_it_waits(shared: Shared) -> None:
    await shared.applied()
    shared.plans_to(change(FIREWALL, "update", name="mlflow-access"), change(BUCKET, "update", name="data"))
    run_id = await shared.configure(ssh_allowed_ips=["203.0.113.0/24"])
    await execute(shared.tools, run_id)
    assert (await run_of(shared.tools, run_id)).status is RunStatus.AWAITING_APPROVAL
    assert (await shared.stack()).status == "ready"


async def test_outputs_alone_are_applied_so_that_people_see_them(shared: Shared) -> None:
    await shared.applied()
    shared.plans_to(outputs=True)
    shared.leaves(4, mlflow_url="http://new")
    await execute(shared.tools, await shared.configure(ssh_allowed_ips=["203.0.113.0/24"]))
    assert (await shared.stack()).outputs == {"mlflow_url": "http://new"}


async def test_a_check_without_differences_changes_nothing(shared: Shared) -> None:
    await shared.applied()
    shared.plans_to()
    run_id = await shared.ask("check")
    await execute(shared.tools, run_id)
    assert (await run_of(shared.tools, run_id)).status is RunStatus.NO_CHANGES
    stack = await shared.stack()
    assert (stack.status, stack.has_drifted, stack.checked_at) == ("ready", False, shared.tools.clock())


async def test_another_address_in_the_state_is_no_difference(shared: Shared) -> None:
    await shared.applied()
    shared.plans_to()
    shared.script.on("plan", "echo plan > tfplan\n" + tells("planned_change", FIREWALL, "move"))
    run_id = await shared.ask("check")
    await execute(shared.tools, run_id)
    assert (await run_of(shared.tools, run_id)).status is RunStatus.NO_CHANGES


async def test_a_check_that_finds_differences_raises_a_notice_until_they_are_put_right(shared: Shared) -> None:
    await shared.applied()
    shared.plans_to(change(BUCKET, "update", name="data"))
    calls = len(shared.script.calls)
    run_id = await shared.ask("check")
    await execute(shared.tools, run_id)
    run = await run_of(shared.tools, run_id)
    assert (run.status, run.is_final, run.can_retry) == (RunStatus.PLANNED, True, False)
    assert (await shared.stack()).drift_run_id == run_id
    assert "apply" not in {call.split()[0] for call in shared.script.calls[calls:]}
    async with shared.tools.database.sessions() as session:
        view = await plans.view_of(session, run_id)
    assert view
    assert [found["address"] for found in view["changes"]] == [BUCKET]
    again = await shared.configure()
    await execute(shared.tools, again)
    await shared.approve(again)
    await execute(shared.tools, again)
    assert not (await shared.stack()).has_drifted


async def test_its_destruction_wants_the_names_of_what_would_be_lost(shared: Shared) -> None:
    await shared.applied()
    shared.plans_to(change(BUCKET, "delete", name="data-x"), change(FIREWALL, "delete", name="mlflow-access"))
    run_id = await shared.ask("destroy")
    await execute(shared.tools, run_id)
    run = await run_of(shared.tools, run_id)
    assert (run.status, run.confirmations) == (RunStatus.AWAITING_APPROVAL, ["data-x"])
    await shared.approve(run_id, ["data-x"])
    await execute(shared.tools, run_id)
    assert (await run_of(shared.tools, run_id)).status is RunStatus.APPLIED
    stack = await shared.stack()
    assert (stack.status, stack.outputs, stack.exists) == ("absent", {}, False)


async def test_cancelling_stops_it_and_undoes_nothing(shared: Shared) -> None:
    await shared.applied()
    shared.plans_to(change(BUCKET, "update", name="data"))
    run_id = await shared.configure(ssh_allowed_ips=["203.0.113.0/24"])
    await execute(shared.tools, run_id)
    await shared.approve(run_id)

    async with shared.tools.database.sessions.begin() as session:
        ada = await members.sign_in(shared.tools.context(session), identity("ada"))
        run = await runs.find(session, ada, run_id)
        run.claim("another", "host", shared.tools.clock())
        run.begin_apply(shared.tools.clock())
        assert run.cancel_choices == (CancelMode.NOW,)
        run.request_cancel(CancelMode.NOW, ada, shared.tools.clock())
        run.interrupt(shared.tools.clock())
    shared.tools.clock.advance(minutes=1)  # type: ignore[attr-defined]  # the clock of a test
    planned = len(shared.script.calls)
    await execute(make_tools(shared.tools.settings, shared.tools.database, MovingClock(), "worker-2", "host"), run_id)
    assert (await run_of(shared.tools, run_id)).status is RunStatus.CANCELED
    assert (await shared.stack()).status == "failed"
    assert shared.script.calls[planned:] == []


def test_only_what_is_lost_for_good_wants_its_name() -> None:
    shown = {
        "resource_changes": [
            change(BUCKET, "replace", name="data-x"),
            change("module.sql[0].google_sql_database_instance.this", "delete", name="postgres-x"),
            change('google_project_iam_member.admin["user:b@x.com"]', "delete", member="user:b@x.com", role="r"),
            change(
                'google_project_iam_member.admin["serviceAccount:c"]', "delete", member="serviceAccount:c", role="r"
            ),
            change("module.kubernetes[0].google_project_iam_member.nodes", "delete", member="serviceAccount:own@x"),
            change("module.kubernetes[0].google_container_cluster.this", "update", name="cluster-x"),
            change("google_compute_firewall.allow_ssh", "delete", name="allow-ssh"),
            change("google_compute_address.static_ip[0]", "no-op"),
        ]
    }
    assert [entry.get("name") for entry in awaited(shown)] == [
        *("data-x", "postgres-x", "user:b@x.com", "serviceAccount:c"),
        *(None, None, None),
    ]
