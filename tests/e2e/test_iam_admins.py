"""An IAM admin and an allowed IP: from what Ada types to what Google has, by a plan that names just those."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import Person
from tests.portal_process import ApiUser, PortalProcess, running_portal

pytestmark = pytest.mark.long
GROUP = "group:ml-leads@example.com"
CIDR = "203.0.113.7/32"
ADMIN_ADDRESS = 'google_project_iam_member.admin["{}"]'
FIREWALL_ADDRESS = 'google_compute_firewall.ingress["mlflow-access"]'
SMALL = {
    "deploy_docker_registry": False,
    "deploy_kubernetes": False,
    "deploy_pypi_registry": False,
    "deploy_sql": False,
    "deploy_storage": False,
}


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[PortalProcess]:
    """Its own: a shared stack is the whole project's."""
    with running_portal(tmp_path / "data") as portal:
        yield portal


@pytest.fixture
def ada(portal: PortalProcess) -> ApiUser:
    """With the shared stack set up, and herself an IAM admin."""
    ada = ApiUser(portal, "ada@example.com")
    for method, path, body in (
        ("PATCH", "/api/v1/shared-stack", {"settings": SMALL}),
        ("POST", "/api/v1/iam-admins", {"principal": "ada@example.com"}),
    ):
        asked = ada.call(method, path, body)
        assert asked.status == 202, asked.text
        approve(ada, asked.json["id"])
    return ada


def approve(ada: ApiUser, run_id: str) -> None:
    ada.wait_run(run_id, "awaiting_approval")
    assert ada.call("POST", f"/api/v1/runs/{run_id}/approve").status == 202
    ended = ada.wait_run(run_id, "applied", "errored")
    assert ended["status"] == "applied", ended["error"]


def objects(portal: PortalProcess, type_: str) -> list[dict[str, Any]]:
    return [thing["state"] for thing in portal.cloud("GET", f"/_emulator/objects?type={type_}")]


def admins_of(portal: PortalProcess) -> list[str]:
    grants = objects(portal, "google_project_iam_member")
    return sorted(grant["member"] for grant in grants if grant["role"] == "roles/owner")


def add_the_group(person: Person) -> str:
    """With a typing error at first; returns the run's id."""
    page = person.page
    person.open("/admin/iam")
    page.get_by_label("Principal", exact=True).fill("group:ml-leads@exmaple.com")
    page.get_by_role("button", name="Create plan").click()
    expect(page.locator(".field-error", has_text="Did you mean example.com?")).to_be_visible()
    page.get_by_label("Principal", exact=True).fill("group:ML-Leads@example.com")
    page.get_by_role("button", name="Create plan").click()
    page.wait_for_url("**/runs/*")
    return page.url.rpartition("/")[2]


def test_ada_adds_an_iam_admin_and_an_allowed_ip_by_one_plan_and_removes_one_by_its_name(
    person: Person, portal: PortalProcess, ada: ApiUser
) -> None:
    page = person.page
    person.sign_in("Ada")
    first = add_the_group(person)
    ada.wait_run(first, "awaiting_approval")
    # A run that awaits approval becomes part of the next one.
    allowed = ada.call("POST", "/api/v1/allowed-ips", {"cidr": CIDR, "label": "office"})
    assert allowed.status == 201, allowed.text
    assert ada.run(first)["status"] == "superseded"

    person.open("/admin/iam")
    row = page.locator(".list-row", has_text=GROUP)
    expect(row.locator(".tag")).to_have_text("Awaiting approval")
    row.get_by_role("link", name="View plan to add it").click()
    expect(page.get_by_role("heading", name="Approval required")).to_be_visible()
    run_id = page.url.rpartition("/")[2]
    assert {(change["action"], change["address"]) for change in ada.run(run_id)["plan"]} == {
        ("create", ADMIN_ADDRESS.format(GROUP)),
        ("create", FIREWALL_ADDRESS),
    }
    for address in (ADMIN_ADDRESS.format(GROUP), FIREWALL_ADDRESS):
        expect(page.get_by_text(address).first).to_be_visible()
    page.get_by_role("button", name="Approve and apply").click()
    expect(page.locator(".tag", has_text="Applied").first).to_be_visible()
    assert admins_of(portal) == [GROUP, "user:ada@example.com"]
    assert [
        rule["source_ranges"] for rule in objects(portal, "google_compute_firewall") if "mlflow" in rule["name"]
    ] == [[CIDR]]

    person.open("/admin/iam")
    expect(page.get_by_text("remove your own admin role")).to_be_visible()
    page.get_by_role("button", name=f"Remove {GROUP}").click()
    expect(page.get_by_label(f"Type {GROUP} to confirm")).to_be_visible()
    page.get_by_label(f"Type {GROUP} to confirm").fill(GROUP)
    page.get_by_role("button", name="Approve").click()
    expect(page.locator(".tag", has_text="Applied").first).to_be_visible()
    assert admins_of(portal) == ["user:ada@example.com"]
