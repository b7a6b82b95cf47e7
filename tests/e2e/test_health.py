"""What goes wrong in a running machine shows on its page by itself, with what mends it; and so does what it prints."""

import re

from playwright.sync_api import expect

from tests.e2e.conftest import NO_QUESTION, Laptop, Person, install
from tests.portal_process import ApiUser

NOTICED_MS = 100_000
"""Machines are looked at every minute; and a busy computer."""


def happens(person: Person, trouble: str, machine: str, **values: int) -> None:
    person.portal.cloud("POST", "/_emulator/faults", {"preset": trouble, "id": machine, **values})


def test_a_full_disk_and_a_broken_driver_are_said_and_mended(
    person: Person, equipped: Laptop, grace_api: ApiUser
) -> None:
    made = grace_api.create("ailing", machine_type="g2-standard-4", disk_size_gb=20)
    grace_api.wait(made["id"], "running")
    install(person, equipped, grace_api)
    person.open(f"/workstations/{made['id']}")
    history = person.page.get_by_role("region", name="History")
    expect(history.get_by_text("Booted")).to_be_visible()
    expect(history.get_by_text("Data disk mounted")).to_be_visible()
    happens(person, "fill-disk", f"ailing-{made['id']}$", percent=96)
    happens(person, "break-driver", f"ailing-{made['id']}$")

    expect(person.page.get_by_text("/home/jupyter is 96% full")).to_be_visible(timeout=NOTICED_MS)
    expect(person.page.get_by_text("The GPU driver does not work")).to_be_visible()
    assert grace_api.call("GET", f"/api/v1/workstations/{made['id']}").json["health"]["level"] == "bad"
    commands = next(text for text in person.page.locator("pre").all_inner_texts() if "dkms" in text)
    assert "nvidia-l4" in equipped.ssh(*NO_QUESTION, "ailing", commands)
    person.page.get_by_role("link", name="Grow data disk").click()
    expect(person.page.get_by_label("Data disk (GB)")).to_have_value("30")
    person.page.get_by_role("button", name="Apply changes").click()
    person.open_run("Update")
    expect(person.page.get_by_text("Applied").first).to_be_visible()

    person.open(f"/workstations/{made['id']}")
    expect(person.page.get_by_text(re.compile(r"is \d+% full"))).to_be_hidden(timeout=NOTICED_MS)
    expect(person.page.get_by_text("needs attention")).to_be_hidden(timeout=NOTICED_MS)
    assert grace_api.call("GET", f"/api/v1/workstations/{made['id']}").json["health"]["level"] == "ok"


def test_the_serial_console_comes_by_itself_when_it_is_asked_for(person: Person, grace_api: ApiUser) -> None:
    made = grace_api.create("printing")
    grace_api.wait(made["id"], "running")
    person.sign_in("Grace Hopper")
    person.open(f"/workstations/{made['id']}")
    person.page.get_by_role("button", name="Show serial console").click()
    output = person.page.get_by_role("region", name="Output")
    expect(output.get_by_text("startup-script: stationmaster: The machine is ready.")).to_be_visible()
    expect(output.get_by_text("^[[0;32m  OK  ^[[0m")).to_be_visible()
    person.open(f"/workstations/{made['id']}")
    person.page.get_by_role("link", name="Serial console").click()
    expect(person.page.get_by_text("The last lines of this boot")).to_be_visible()
    expect(person.page.get_by_text("Linux version")).to_be_visible()
