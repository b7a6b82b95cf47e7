"""The shared stack's page: for admins, with what was typed kept, every decision a run, and a way back."""

import re

import httpx2
import pytest

from app.models import SharedStack
from app.services import lifecycle
from tests.clients import refusal
from tests.parts import MovingClock
from tests.stage import Stage

pytestmark = pytest.mark.anyio
PAGE = "/admin/shared-stack"
FORM = {
    "prefix": "team",
    "zone": "europe-west4-a",
    "deploy_storage": "yes",
    "iam_admin_role": "roles/owner",
    "sql_tier": "db-f1-micro",
    "sql_user": "mlflow",
    "mlflow_machine_type": "e2-small",
    "ssh_allowed_ips": "203.0.113.0/24, 198.51.100.0/24",
    "reason": "The team begins",
}


async def configure(ada: httpx2.AsyncClient, **fields: str) -> str:
    """Send the form; returns the run's id."""
    answer = await ada.post(PAGE, data={**FORM, **fields})
    assert answer.status_code == 303, answer.text
    return answer.headers["location"].rpartition("/")[2]


async def test_before_anything_is_there_the_form_proposes_and_nothing_can_be_destroyed(ada: httpx2.AsyncClient) -> None:
    page = (await ada.get(PAGE)).text
    assert 'value="test-project"' in page
    assert "Not deployed" in page
    assert f'href="{PAGE}/destroy"' not in page
    assert "Check for drift" not in page
    assert re.search(r'name="deploy_mlflow"\s+value="yes"\s+checked', page)
    assert not re.search(r'name="deploy_kubernetes"\s+value="yes"\s+checked', page)


async def test_the_form_becomes_a_run_and_shows_what_is_wanted(ada: httpx2.AsyncClient) -> None:
    run_id = await configure(ada)
    run = (await ada.get(f"/api/v1/runs/{run_id}")).json()
    settings = run["changes"]["settings"]
    assert (settings["prefix"], settings["deploy_storage"], settings["deploy_mlflow"]) == ("team", True, False)
    assert settings["ssh_allowed_ips"] == ["198.51.100.0/24", "203.0.113.0/24"]
    page = (await ada.get(PAGE)).text
    assert 'value="team"' in page
    assert "198.51.100.0/24\n203.0.113.0/24" in page
    shown = (await ada.get(f"/runs/{run_id}")).text
    assert "Configure the shared stack" in shown
    assert "The team begins" in shown


async def test_what_does_not_fit_is_said_at_its_field_with_what_was_typed_kept(ada: httpx2.AsyncClient) -> None:
    typed = {"prefix": "Team", "ssh_allowed_ips": "0.0.0.0/0", "sql_tier": "<b>", "reason": "Why not"}
    answer = await refusal(ada, PAGE, {**FORM, **typed})
    for field in ("prefix", "ssh_allowed_ips", "sql_tier"):
        assert f'id="{field}-error"' in answer.text
    assert "0.0.0.0/0 allows everyone" in answer.text
    assert 'value="Why not"' in answer.text
    assert "&lt;b&gt;" in answer.text
    assert "/runs/" not in (await ada.get(PAGE)).text


async def test_a_plan_is_approved_or_discarded_on_its_runs_page(stage: Stage, ada: httpx2.AsyncClient) -> None:
    run_id = await configure(ada)
    await stage.await_approval(run_id)
    page = (await ada.get(f"/runs/{run_id}")).text
    assert "Approve and apply" in page
    assert 'name="confirm"' not in page
    assert "Approval required" in (await ada.get(PAGE)).text
    assert (await ada.post(f"/runs/{run_id}/approve")).status_code == 303
    assert "approved by Ada" in (await ada.get(f"/runs/{run_id}")).text


async def test_each_thing_that_would_be_lost_wants_its_name(stage: Stage, ada: httpx2.AsyncClient) -> None:
    run_id = await configure(ada)
    lost = [{"address": f"bucket.{name}", "action": "delete", "name": name} for name in ("data-x", "logs-x")]
    await stage.await_approval(run_id, lost)
    page = (await ada.get(f"/runs/{run_id}")).text
    assert page.count('name="confirm"') == 2
    wrong = await refusal(ada, f"/runs/{run_id}/approve", {"confirm": ["data-x", "data-x"]})
    assert "Type the name to confirm: logs-x" in wrong.text
    right = await ada.post(f"/runs/{run_id}/approve", data={"confirm": ["logs-x", "data-x"]})
    assert right.status_code == 303


async def test_history_says_who_and_why_and_leads_back(
    stage: Stage, ada: httpx2.AsyncClient, clock: MovingClock
) -> None:
    first = await configure(ada)
    await stage.carry_out(first)
    clock.advance(minutes=5)
    second = await configure(ada, deploy_sql="yes", reason="With a database")
    await stage.carry_out(second)
    page = (await ada.get(PAGE)).text
    assert page.index("With a database") < page.index("The team begins")
    assert page.count("Roll back") == 1
    back = await ada.post(f"{PAGE}/roll-back", data={"run_id": first})
    run = (await ada.get(back.headers["location"].replace("/runs/", "/api/v1/runs/"))).json()
    assert run["changes"]["settings"]["deploy_sql"] is False
    assert (await ada.post(f"{PAGE}/roll-back", data={"run_id": "nosuchrun1"})).status_code == 404


async def test_drift_is_told_and_compared_on_demand(stage: Stage, ada: httpx2.AsyncClient) -> None:
    await refusal(ada, f"{PAGE}/check")
    await stage.carry_out(await configure(ada))
    asked = await ada.post(f"{PAGE}/check")
    run_id = asked.headers["location"].rpartition("/")[2]
    await stage.claim(run_id)
    async with stage.working_on(run_id) as (ctx, run):
        (await ctx.session.get_one(SharedStack, run.stack_id)).become_checked(run_id, ctx.now)
        await lifecycle.finish(ctx, run, differs=True)
    page = (await ada.get(PAGE)).text
    assert "Drift detected" in page
    assert f'href="/runs/{run_id}"' in page


async def test_its_destruction_is_planned_and_decided(stage: Stage, ada: httpx2.AsyncClient) -> None:
    await refusal(ada, f"{PAGE}/destroy")
    await stage.carry_out(await configure(ada))
    assert "Delete the shared stack?" in (await ada.get(f"{PAGE}/destroy")).text
    run_id = (await ada.post(f"{PAGE}/destroy")).headers["location"].rpartition("/")[2]
    assert "Delete the shared stack" in (await ada.get(f"/runs/{run_id}")).text
    refused = await refusal(ada, PAGE, FORM)
    assert "being deleted" in refused.text


async def test_whoever_would_lose_the_role_by_an_exclusive_list_is_told_at_the_field(ada: httpx2.AsyncClient) -> None:
    answer = await refusal(ada, PAGE, {**FORM, "authoritative_admins": "yes"})
    assert "Add user:ada@example.com to the IAM admins first." in answer.text
    assert re.search(r'name="authoritative_admins"[^>]*checked', answer.text)


async def test_the_plan_names_who_loses_the_role_and_wants_the_role_typed(
    ada: httpx2.AsyncClient, stage: Stage
) -> None:
    run_id = await configure(ada)
    address = "google_project_iam_binding.this[0]"
    role, eve = "roles/owner", "user:eve@elsewhere.test"
    awaits = [
        {"address": address, "action": "restrict", "name": role},
        {"address": address, "action": "remove", "member": eve, "role": role},
    ]
    await stage.await_approval(run_id, awaits)
    page = (await ada.get(f"/runs/{run_id}")).text
    assert "This will remove access" in page
    assert f'<span class="mono">{eve}</span> loses <span class="mono">{role}</span>' in page
    assert f'Type <span class="mono">{role}</span> to confirm' in page
    assert "delete data" not in page
    assert f"This change removes access: {eve}." in (await ada.get(PAGE)).text
    shown = (await ada.get(f"/api/v1/runs/{run_id}")).json()["awaits"]
    assert shown[1] == {"name": None, **awaits[1]}
    await refusal(ada, f"/runs/{run_id}/approve", {"confirm": "owner"})
    assert (await ada.post(f"/runs/{run_id}/approve", data={"confirm": role})).status_code == 303


async def test_what_the_stack_costs_is_said_before_it_is_approved(stage: Stage, ada: httpx2.AsyncClient) -> None:
    form = (await ada.get(PAGE)).text
    run = await stage.configure(mlflow_machine_type="e2-standard-4", deploy_kubernetes=True)
    await stage.await_approval(run.id)
    approval = (await ada.get(f"/runs/{run.id}")).text

    for shown in ("its boot disk", "Price unknown: MLflow server (e2-small)", "Cloud SQL (db-f1-micro)", "buckets"):
        assert shown in form
    for shown in ("MLflow server (e2-standard-4), its boot disk", "Cloud SQL (db-f1-micro), Kubernetes cluster"):
        assert shown in approval
    assert "per month" in approval
