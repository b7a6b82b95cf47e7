"""A shortage of capacity, with real Terraform: the machine is created in the zone that has some."""

import re

from playwright.sync_api import expect

from tests.e2e.conftest import Person
from tests.e2e.test_main_job import create
from tests.portal_process import ApiUser

ZONES = ("europe-west4-a", "europe-west4-b", "europe-west4-c")


def test_a_stock_out_in_two_zones_ends_in_the_third_and_leaves_nothing_behind(
    person: Person, grace_api: ApiUser
) -> None:
    for zone in ZONES[:2]:
        fault = {"preset": "stock-out", "id": f"zones/{zone}/instances/hunted", "times": 1}
        person.portal.cloud("POST", "/_emulator/faults", fault)
    person.sign_in("Grace Hopper")
    path = create(person, "hunted", "g2-standard-4")
    workstation_id = path.rpartition("/")[2]
    running = grace_api.wait(workstation_id, "running", "failed", seconds=240)
    run = grace_api.run(running["run_id"])

    assert (running["status"], running["zone"]) == ("running", ZONES[2])
    assert [each["placement"]["zone"] for each in run["tried"]] == list(ZONES[:2])
    assert all("/europe-west4-c/" in each or "/regions/" in each for each in person.portal.cloud_objects("hunted"))
    person.open(path)
    expect(person.page.get_by_role("heading", name="Created elsewhere")).to_be_visible()
    person.open("/workstations/new?machine_type=g2-standard-4")
    seen = person.page.get_by_role("region", name="If there is no capacity")
    expect(seen).to_contain_text(re.compile(r"europe-west4-c: available.*europe-west4-b: none", re.DOTALL))
    grace_api.call("DELETE", f"/api/v1/workstations/{workstation_id}")
    grace_api.wait(workstation_id, "destroyed", seconds=240)
    assert person.portal.cloud_objects("hunted") == []
