"""A shortage of capacity, with real Terraform: the machine is created in the zone that has some."""

import re

from playwright.sync_api import expect

from tests.e2e.conftest import NO_QUESTION, Laptop, Person, install
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


def test_a_stopped_machine_moves_with_its_files_to_a_zone_that_has_capacity(
    person: Person, equipped: Laptop, grace_api: ApiUser
) -> None:
    made = grace_api.create("stuck")
    before = grace_api.wait(made["id"], "running", "failed", seconds=240)
    install(person, equipped, grace_api)
    equipped.ssh(*NO_QUESTION, "stuck", "echo kept > /home/jupyter/note")
    path = f"/api/v1/workstations/{made['id']}"
    wishes = {"wait_hours": 24, "restart_preempted": None}
    assert grace_api.call("PUT", f"{path}/capacity", wishes).status == 200
    grace_api.call("POST", f"{path}/stop")
    grace_api.wait(made["id"], "stopped", seconds=240)
    fault = {"preset": "stock-out", "id": f"zones/{before['zone']}/instances/stuck", "times": 100}
    person.portal.cloud("POST", "/_emulator/faults", fault)
    start = grace_api.call("POST", f"{path}/start").json["run_id"]
    grace_api.wait(made["id"], "waiting_for_capacity", seconds=240)

    person.open(f"/workstations/{made['id']}")
    person.page.get_by_role("link", name="Move to europe-west4-b").click()
    expect(person.page.get_by_label("Zone", exact=True)).to_have_value("europe-west4-b")
    person.page.get_by_role("button", name="Apply changes").first.click()
    expect(person.page.get_by_role("heading", name="stuck", exact=True)).to_be_visible()
    after = grace_api.wait(made["id"], "running", "failed", seconds=300)

    assert (after["status"], after["zone"], after["address"]) == ("running", "europe-west4-b", before["address"])
    assert grace_api.run(start)["status"] == "superseded"
    # The same known_hosts file, with strict checking.
    assert equipped.ssh(*NO_QUESTION, "stuck", "cat /home/jupyter/note") == "kept\n"
    assert [each for each in person.portal.cloud_objects("stuck") if "zones/europe-west4-a" in each] == []


def test_a_start_moves_by_itself_through_two_zones_without_capacity_to_the_third_with_its_files(
    person: Person, equipped: Laptop, grace_api: ApiUser
) -> None:
    made = grace_api.create("roamer")
    before = grace_api.wait(made["id"], "running", "failed", seconds=240)
    install(person, equipped, grace_api)
    equipped.ssh(*NO_QUESTION, "roamer", "echo kept > /home/jupyter/note")
    path = f"/api/v1/workstations/{made['id']}"
    person.open(f"/workstations/{made['id']}/capacity")
    person.page.get_by_label("Move it to another zone of its region by itself").check()
    person.page.get_by_role("button", name="Save", exact=True).click()
    expect(person.page.get_by_text("Within a minute it then moves to another zone")).to_be_visible()
    grace_api.call("POST", f"{path}/stop")
    grace_api.wait(made["id"], "stopped", seconds=240)
    for zone in ZONES[:2]:
        fault = {"preset": "stock-out", "id": f"zones/{zone}/instances/roamer", "times": 100}
        person.portal.cloud("POST", "/_emulator/faults", fault)
    grace_api.call("POST", f"{path}/start")
    after = grace_api.wait(made["id"], "running", seconds=600)

    assert (after["zone"], after["address"]) == (ZONES[2], before["address"])
    # The same known_hosts file, with strict checking.
    assert equipped.ssh(*NO_QUESTION, "roamer", "cat /home/jupyter/note") == "kept\n"
    assert [
        each for each in person.portal.cloud_objects("roamer") if "europe-west4-c" not in each and "/zones/" in each
    ] == []


def test_a_change_waits_for_capacity_and_the_machine_ends_as_was_requested_or_as_before(
    person: Person, equipped: Laptop, grace_api: ApiUser
) -> None:
    made = grace_api.create("grower")
    grace_api.wait(made["id"], "running", "failed", seconds=240)
    install(person, equipped, grace_api)
    path, fault = f"/api/v1/workstations/{made['id']}", {"preset": "stock-out", "id": f"grower-{made['id']}$"}
    assert grace_api.call("PUT", f"{path}/capacity", {"wait_hours": 24}).status == 200
    person.portal.cloud("POST", "/_emulator/faults", {**fault, "times": 100})
    run_id = grace_api.call("PATCH", path, {"machine_type": "e2-standard-8"}).json["run_id"]
    grace_api.wait(made["id"], "waiting_for_capacity", "failed", seconds=240)
    person.open(f"/workstations/{made['id']}")
    expect(person.page.get_by_text("the machine is off until then")).to_be_visible()
    person.portal.cloud("DELETE", "/_emulator/faults")
    assert grace_api.wait_run(run_id, "applied", "errored", seconds=600)["status"] == "applied"
    after = grace_api.wait(made["id"], "running", seconds=60)

    assert (after["machine_type"], after["run_id"]) == ("e2-standard-8", run_id)
    assert equipped.ssh(*NO_QUESTION, "grower", "echo there") == "there\n"

    person.portal.cloud("POST", "/_emulator/faults", {**fault, "times": 100})
    canceled = grace_api.call("PATCH", path, {"machine_type": "e2-standard-4"}).json["run_id"]
    grace_api.wait(made["id"], "waiting_for_capacity", "failed", seconds=240)
    person.open(f"/workstations/{made['id']}")
    person.page.get_by_role("button", name="Cancel and roll back").click()
    assert grace_api.wait_run(canceled, "canceled", "errored", seconds=240)["status"] == "canceled"
    person.portal.cloud("DELETE", "/_emulator/faults")
    stopped = grace_api.wait(made["id"], "stopped", seconds=60)
    assert stopped["machine_type"] == "e2-standard-8"
