"""What a machine says of itself: a mount that fails and is mended, and host keys that outlive the machine."""

import re

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import NO_QUESTION, Laptop, Person, install
from tests.portal_process import ApiUser


def test_a_mount_that_fails_is_shown_with_commands_that_mend_it(
    person: Person, equipped: Laptop, grace_api: ApiUser
) -> None:
    person.portal.cloud("POST", "/_emulator/faults", {"preset": "mount-failure", "id": "unmounted"})
    made = grace_api.create("unmounted")
    grace_api.wait(made["id"], "running")
    install(person, equipped, grace_api)
    person.open(f"/workstations/{made['id']}")
    expect(person.page.get_by_text("/home/jupyter is not mounted")).to_be_visible()
    commands = person.page.locator("pre").all_inner_texts()
    (mount,) = [text for text in commands if "sudo mount" in text]
    assert "sdb" in equipped.ssh("unmounted", next(text for text in commands if text.startswith("lsblk")))
    equipped.ssh("unmounted", mount)
    equipped.ssh("unmounted", "echo mended > /home/jupyter/note")
    expect(person.page.get_by_text("/home/jupyter is not mounted")).to_have_count(0)
    expect(person.page.get_by_text(re.compile(r"Mounted from\s+/dev/sdb"))).to_be_visible()


def test_a_mount_that_failed_is_mended_by_one_click_on_restart(
    person: Person, equipped: Laptop, grace_api: ApiUser
) -> None:
    person.portal.cloud("POST", "/_emulator/faults", {"preset": "mount-failure", "id": "restarted", "times": 1})
    made = grace_api.create("restarted")
    grace_api.wait(made["id"], "running")
    install(person, equipped, grace_api)
    person.open(f"/workstations/{made['id']}")
    person.page.get_by_role("button", name="Restart and mount").click()
    person.open_run("Restart")
    expect(person.page.get_by_role("heading", name="Restart restarted")).to_be_visible()
    expect(person.page.get_by_text("Applied").first).to_be_visible()
    expect(person.page.get_by_text("Trying again")).to_have_count(0)
    person.open(f"/workstations/{made['id']}")
    expect(person.page.get_by_text(re.compile(r"Mounted from\s+/dev/sdb"))).to_be_visible()
    # Its host keys come from its disk by now.
    equipped.install("known_hosts", grace_api.call("GET", "/ssh_known_hosts").text)
    equipped.ssh("restarted", "echo mounted > /home/jupyter/note")


def test_a_machine_rebuilt_from_another_image_keeps_its_files_and_its_host_key(
    person: Person, equipped: Laptop, grace_api: ApiUser
) -> None:
    made = grace_api.create("rebuilt")
    before = grace_api.wait(made["id"], "running")
    install(person, equipped, grace_api)
    equipped.ssh(*NO_QUESTION, "rebuilt", "echo kept > /home/jupyter/note; touch ~/on-the-boot-disk")
    image = "deeplearning-platform-release/common-cu129-ubuntu-2404-nvidia-580"
    changed = grace_api.call("PATCH", f"/api/v1/workstations/{made['id']}", {"image": image})
    assert changed.status == 202, changed.text
    grace_api.wait_run(changed.json["run_id"], "applied")
    # Not one file on the laptop has changed.
    assert equipped.ssh(*NO_QUESTION, "rebuilt", "cat /home/jupyter/note") == "kept\n"
    assert equipped.ssh("rebuilt", "ls ~") == ""
    assert grace_api.wait(made["id"], "running")["host_keys"] == before["host_keys"]


@pytest.mark.long
def test_a_kept_disk_grows_and_gets_a_new_machine_with_its_files_and_host_key(
    person: Person, equipped: Laptop, grace_api: ApiUser
) -> None:
    made = grace_api.create("returning", disk_size_gb=20)
    before = grace_api.wait(made["id"], "running")
    install(person, equipped, grace_api)
    equipped.ssh(*NO_QUESTION, "returning", "echo kept > /home/jupyter/note")
    grown = grace_api.call("PATCH", f"/api/v1/workstations/{made['id']}", {"disk_size_gb": 40})
    grace_api.wait_run(grown.json["run_id"], "applied")
    grace_api.call("DELETE", f"/api/v1/workstations/{made['id']}?keep_disk=true")
    grace_api.wait(made["id"], "destroyed")

    person.open("/")
    row = person.page.get_by_role("listitem").filter(has_text=f"returning-{made['id']}-home")
    expect(row.get_by_text("40 GB in")).to_be_visible()
    row.get_by_role("link", name="Create machine from this disk").click()
    person.page.get_by_role("radio", name=re.compile("g2-standard-4")).check()
    person.page.get_by_role("button", name="Create machine").click()
    after = grace_api.wait(made["id"], "running")

    assert (after["machine_type"], after["disk_size_gb"]) == ("g2-standard-4", 40)
    assert after["host_keys"] == before["host_keys"]
    equipped.install("config", grace_api.call("GET", "/ssh_compute_config").text)
    equipped.install("known_hosts", grace_api.call("GET", "/ssh_known_hosts").text)
    assert equipped.ssh(*NO_QUESTION, "returning", "cat /home/jupyter/note") == "kept\n"
    assert "nvidia-l4" in equipped.ssh(*NO_QUESTION, "returning", "nvidia-smi")


def test_a_machine_is_stopped_and_started_with_the_same_host_key_and_files(
    person: Person, equipped: Laptop, grace_api: ApiUser
) -> None:
    made = grace_api.create("paused")
    before = grace_api.wait(made["id"], "running")
    install(person, equipped, grace_api)
    equipped.ssh(*NO_QUESTION, "paused", "echo kept > /home/jupyter/note")
    person.open(f"/workstations/{made['id']}")
    person.page.get_by_role("link", name="Stop", exact=True).click()
    person.page.get_by_role("button", name="Stop paused").click()
    grace_api.wait(made["id"], "stopped")
    person.open(f"/workstations/{made['id']}")
    expect(person.page.get_by_text("while it is stopped")).to_be_visible()
    assert equipped.run("ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=3", "paused", "true").returncode != 0
    person.page.get_by_role("button", name="Start", exact=True).click()
    after = grace_api.wait(made["id"], "running")
    assert after["address"] == before["address"]
    # Not one file on the laptop has changed.
    assert equipped.ssh(*NO_QUESTION, "paused", "cat /home/jupyter/note") == "kept\n"
