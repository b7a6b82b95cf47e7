"""Google itself stops a machine at the team's run limit, and the portal says so before and after."""

import time

from playwright.sync_api import expect

from tests.e2e.conftest import Person
from tests.portal_process import ApiUser, PortalProcess

PATIENCE_MS = 240_000


def limit(portal: PortalProcess, hours: int) -> None:
    answer = ApiUser(portal, "ada@example.com").call("PUT", "/api/v1/team/policy", {"run_limit_hours": hours})
    assert answer.status == 200, answer.text


def seconds(portal: PortalProcess, name: str) -> int:
    """The machine's limit at Google."""
    machines = portal.cloud("GET", "/_emulator/objects?type=google_compute_instance")
    [machine] = [each for each in machines if each["id"].endswith(name)]
    [block] = machine["state"]["scheduling"]
    return sum(int(each["seconds"]) for each in block["max_run_duration"] or [])


def test_a_machine_is_stopped_by_google_and_has_the_limit_of_the_day_after_its_next_start(
    person: Person, grace_api: ApiUser, portal: PortalProcess
) -> None:
    limit(portal, 72)
    try:
        made = grace_api.create("limited")
        grace_api.wait(made["id"], "running")
        name = f"limited-{made['id']}"
        assert seconds(portal, name) == 72 * 3600
        person.sign_in("Grace Hopper")
        person.open(f"/workstations/{made['id']}")
        page = person.page
        expect(page.get_by_text("whatever it does: the team’s run limit")).to_be_visible(timeout=PATIENCE_MS)

        portal.cloud("POST", "/_emulator/faults", {"preset": "time-limit", "id": f"{name}$"})
        expect(page.get_by_text("Google stops limited soon")).to_be_visible(timeout=PATIENCE_MS)
        grace_api.wait(made["id"], "stopped", seconds=240)
        expect(page.get_by_text("Stopped at the team’s run limit")).to_be_visible(timeout=PATIENCE_MS)

        limit(portal, 24)
        page.get_by_role("button", name="Start", exact=True).click()
        grace_api.wait(made["id"], "running", seconds=240)
        assert seconds(portal, name) == 24 * 3600
        deadline = time.monotonic() + 120
        while not (said := grace_api.call("GET", f"/api/v1/workstations/{made['id']}").json["run_limit_at"]):
            assert time.monotonic() < deadline
            time.sleep(1)
        expect(page.get_by_text("whatever it does: the team’s run limit")).to_be_visible(timeout=PATIENCE_MS)
        assert said
    finally:
        limit(portal, 0)
