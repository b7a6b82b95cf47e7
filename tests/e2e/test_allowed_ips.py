"""Grace asks for her address, Ada approves it, the emulated firewall has it; its time is over, and it is gone."""

import time

import psycopg
import pytest
from playwright.sync_api import Browser, expect

from app.db import libpq_url
from tests.e2e.conftest import Person
from tests.portal_process import ApiUser, PortalProcess

# A minute may pass until a worker sees that a time is over.
pytestmark = pytest.mark.long
OFF = ("storage", "docker_registry", "pypi_registry", "sql", "kubernetes", "service_accounts")
ADDRESS = "127.0.0.1/32"


@pytest.fixture
def ada_api(portal: PortalProcess) -> ApiUser:
    return ApiUser(portal, "ada@example.com")


def ranges(portal: PortalProcess) -> list[str]:
    """What the emulated firewall lets through to MLflow."""
    rules = portal.cloud("GET", "/_emulator/objects?type=google_compute_firewall")
    return [each for rule in rules if "/mlflow-access-" in rule["id"] for each in rule["state"]["source_ranges"]]


def wait_for_ranges(portal: PortalProcess, desired: list[str], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while ranges(portal) != desired:
        assert time.monotonic() < deadline, ranges(portal)
        time.sleep(0.2)


@pytest.fixture
def shared_stack(portal: PortalProcess, ada_api: ApiUser) -> None:
    """MLflow alone, open to nobody yet."""
    settings = {**{f"deploy_{part}": False for part in OFF}, "enable_services": False, "deletion_protection": False}
    run = ada_api.call("PATCH", "/api/v1/shared-stack", {"settings": settings, "reason": "MLflow for all"}).json
    ada_api.wait_run(run["id"], "awaiting_approval")
    assert ada_api.call("POST", f"/api/v1/runs/{run['id']}/approve", {}).status == 202
    ended = ada_api.wait_run(run["id"], "applied", "errored")
    assert ended["status"] == "applied", ended


def test_an_address_is_asked_for_approved_let_in_and_gone_when_its_time_is_over(
    person: Person, portal: PortalProcess, chromium: Browser, shared_stack: None, ada_api: ApiUser, grace_api: ApiUser
) -> None:
    person.sign_in("Grace Hopper")
    person.open("/allowed-ips")
    expect(person.page.get_by_text("127.0.0.1 is not allowed.")).to_be_visible()
    person.page.get_by_role("button", name="Request access for").click()
    expect(person.page.locator(".tag", has_text="Requested").first).to_be_visible()
    assert ranges(portal) == []

    context = chromium.new_context()
    ada = Person(portal, context, context.new_page())
    ada.sign_in("Ada Lovelace")
    ada.open("/admin/allowed-ips")
    ada.page.get_by_label("Duration").first.select_option("1 hour")
    ada.page.get_by_role("button", name=f"Approve {ADDRESS}").click()
    # Nobody is asked again: the page follows the run to its end.
    expect(ada.page.locator(".tag", has_text="Active")).to_be_visible(timeout=90_000)
    expect(person.page.get_by_text("127.0.0.1 is allowed")).to_be_visible()
    assert ranges(portal) == [ADDRESS]

    [ip] = grace_api.call("GET", "/api/v1/allowed-ips").json["items"]
    with psycopg.connect(libpq_url(portal.up["DATABASE_URL"])) as connection:
        connection.execute("UPDATE allowed_ips SET expires_at = now() WHERE id = %s", (ip["id"],))
    wait_for_ranges(portal, [], 150)
    expect(ada.page.get_by_text("No allowed addresses")).to_be_visible()
    context.close()

    [ip] = grace_api.call("GET", "/api/v1/allowed-ips").json["items"]
    assert ip["status"] == "expired"
    entries = ada_api.call("GET", "/api/v1/audit?kind=allowed_ip").json["items"]
    assert [(entry["actor"], entry["action"]) for entry in entries] == [
        ("Stationmaster", "allowed_ip.expire"),
        ("ada@example.com", "allowed_ip.approve"),
        ("grace@example.com", "allowed_ip.ask"),
    ]
