"""What a machine's own agent measures shows on its page, and asks whoever would end it."""

import re

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import Person
from tests.portal_process import ApiUser

pytestmark = pytest.mark.long
NOTICED_MS = 240_000
"""The agent measures each minute and a worker looks each minute; and a busy computer."""


def works(person: Person, workload: str, machine: str) -> None:
    person.portal.cloud("POST", "/_emulator/faults", {"preset": workload, "id": machine})


def test_a_training_is_seen_on_the_page_and_not_ended_unasked(person: Person, grace_api: ApiUser) -> None:
    made = grace_api.create("training", machine_type="g2-standard-4")
    grace_api.wait(made["id"], "running")
    works(person, "train", f"training-{made['id']}$")
    person.sign_in("Grace Hopper")
    person.open(f"/workstations/{made['id']}")
    usage = person.page.get_by_role("region", name="Usage")
    expect(usage.get_by_text("python3, GPU 97%, for 6 h")).to_be_visible(timeout=NOTICED_MS)
    newest = grace_api.call("GET", f"/api/v1/workstations/{made['id']}/usage").json["newest"]
    assert newest["gpus"][0]["process"]["name"] == "python3"
    assert "train.py" not in str(newest)

    person.page.get_by_role("link", name="Stop", exact=True).click()
    person.page.get_by_role("button", name="Stop training").click()
    expect(person.page.get_by_role("alert")).to_contain_text("Confirm that this may end: python3, GPU 97%")
    assert grace_api.call("GET", f"/api/v1/workstations/{made['id']}").json["status"] == "running"

    works(person, "rest", f"training-{made['id']}$")
    person.open(f"/workstations/{made['id']}")
    expect(usage.get_by_text("Nothing but an idle shell runs.")).to_be_visible(timeout=NOTICED_MS)
    expect(usage.get_by_role("img", name=re.compile("^CPU, last hour: last [0-9]+%"))).to_be_visible(timeout=NOTICED_MS)
    person.page.get_by_role("link", name="Stop", exact=True).click()
    person.page.get_by_role("button", name="Stop training").click()
    grace_api.wait(made["id"], "stopped")
