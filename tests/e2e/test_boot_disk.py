"""A boot disk enlarged in Google's console, or replaced: the page says how it is, and what was kept is there."""

from typing import Any

from playwright.sync_api import Page, expect

from tests.e2e.conftest import Laptop, Person, install
from tests.portal_process import ApiUser, PortalProcess

MACHINE, DISK = "google_compute_instance", "google_compute_disk"


def machine(portal: PortalProcess, name: str) -> dict[str, Any]:
    """The machine as the cloud has it, with the number and the boots that it keeps only if nothing touches it."""
    [found] = [each for each in portal.cloud("GET", f"/_emulator/objects?type={MACHINE}") if name in each["id"]]
    return dict(found)


def identity(portal: PortalProcess, name: str) -> tuple[object, ...]:
    found = machine(portal, name)
    return found["number"], found["cloud"]["status"], found["cloud"]["started"], found["cloud"]["boots"]


def enlarge_boot_disk(portal: PortalProcess, name: str, size_gb: int) -> None:
    source = machine(portal, name)["state"]["boot_disk"][0]["source"].partition("/compute/v1/")[2]
    portal.cloud("PATCH", f"/_emulator/objects/{DISK}/{source}", {"size": size_gb})


def fact(page: Page, label: str, value: str) -> None:
    row = page.locator("dl.facts > div", has=page.get_by_text(label, exact=True))
    expect(row.locator("dd").first).to_contain_text(value)


def ended(page: Page, outcome: str) -> None:
    """The run's page says so, and asks for nothing."""
    expect(page.get_by_text(outcome).first).to_be_visible()
    expect(page.get_by_role("heading", name="Approval required")).to_have_count(0)


def test_it_is_kept_by_a_check_and_by_a_larger_data_disk(person: Person, grace_api: ApiUser) -> None:
    portal, page = person.portal, person.page
    made = grace_api.create("roomy")
    grace_api.wait(made["id"], "running", "failed", seconds=180)
    before = identity(portal, "roomy")
    enlarge_boot_disk(portal, "roomy", 90)
    person.sign_in("Grace Hopper")
    person.open(f"/workstations/{made['id']}")
    fact(page, "Boot disk", "50 GB")

    page.get_by_role("button", name="Check for drift").click()
    person.open_run("Check for drift")
    ended(page, "The boot disk was enlarged to 90 GB outside the portal. Keeping this size.")
    ended(page, "No drift: everything is as last applied.")
    person.open(f"/workstations/{made['id']}")
    fact(page, "Boot disk", "90 GB")
    expect(page.get_by_text("has drifted from its settings")).to_have_count(0)

    enlarge_boot_disk(portal, "roomy", 120)
    page.get_by_role("link", name="Edit", exact=True).click()
    page.get_by_label("Data disk (GB)").fill("150")
    page.get_by_label("Data disk (GB)").press("Tab")
    expect(page.get_by_text("The data disk is enlarged to 150 GB while the machine runs.")).to_be_visible()
    page.get_by_role("button", name="Apply changes").click()
    person.open_run("Update")
    ended(page, "The boot disk was enlarged to 120 GB outside the portal. Keeping this size.")
    ended(page, "Ready: ssh roomy")
    person.open(f"/workstations/{made['id']}")
    fact(page, "Boot disk", "120 GB")
    fact(page, "Data disk", "150 GB")
    assert identity(portal, "roomy") == before
    told = grace_api.call("GET", f"/api/v1/workstations/{made['id']}").json
    assert (told["status"], told["boot_disk_size_gb"], told["disk_size_gb"]) == ("running", 120, 150)


def test_the_home_folder_on_the_data_disk_outlives_the_boot_disk(
    person: Person, equipped: Laptop, grace_api: ApiUser
) -> None:
    made = grace_api.create("homely", home_on_data_disk=True)
    here = f"/api/v1/workstations/{made['id']}"
    assert grace_api.wait(made["id"], "running", "failed", seconds=180)["home_place"] == "data_disk"
    install(person, equipped, grace_api)
    equipped.ssh("homely", "echo alias ll=ls > ~/.bash_aliases")
    person.open(f"/workstations/{made['id']}")
    fact(person.page, "Home folder", "On the data disk")
    before = machine(person.portal, "homely")["number"]

    run_id = grace_api.call("PATCH", here, {"spot": True}).json["run_id"]
    run = grace_api.wait_run(run_id, "applied", "errored", "awaiting_approval", seconds=240)
    assert run["status"] == "applied", grace_api.log(run_id)
    assert machine(person.portal, "homely")["number"] != before
    assert equipped.ssh("homely", "cat ~/.bash_aliases") == "alias ll=ls\n"

    # Left again: the machine follows when it restarts, and what was kept stays where it is.
    run_id = grace_api.call("PATCH", here, {"home_on_data_disk": False}).json["run_id"]
    assert grace_api.wait_run(run_id, "applied", "errored", seconds=240)["status"] == "applied"
    fact(person.page, "Home folder", "On the data disk, and on the boot disk from the next start")
    run_id = grace_api.call("POST", f"{here}/restart").json["run_id"]
    assert grace_api.wait_run(run_id, "applied", "errored", seconds=240)["status"] == "applied"
    fact(person.page, "Home folder", "On the boot disk")
    left = equipped.ssh("homely", "ls ~/.bash_aliases 2>/dev/null; cat /home/jupyter/.home/grace/.bash_aliases")
    assert left == "alias ll=ls\n"
