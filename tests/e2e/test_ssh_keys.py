"""Keys come to a running machine and leave it, with the real OpenSSH client."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import Laptop, Person
from tests.portal_process import ApiUser, PortalProcess

KEYS = "/api/v1/ssh-keys"
NAME = "keyed"


@pytest.fixture
def pairs(tmp_path: Path, linus_api: ApiUser) -> Iterator[dict[str, Path]]:
    """Two pairs made by ssh-keygen on Linus's laptop."""
    found = {name: tmp_path / name for name in ("first", "second")}
    for name, file in found.items():
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(file)], check=True)
    yield found
    for key in linus_api.call("GET", KEYS).json["items"]:
        linus_api.call("DELETE", f"{KEYS}/{key['id']}")


def add(person: Person, name: str, file: Path) -> None:
    person.open("/ssh-keys")
    person.page.locator("#name").fill(name)
    person.page.get_by_label("Public key", exact=True).fill(file.with_suffix(".pub").read_text())
    person.page.get_by_role("button", name="Add key").click()
    expect(person.page.get_by_role("heading", name=name, exact=True)).to_be_visible()


def with_key(file: Path) -> list[str]:
    return ["-F", "none", "-i", str(file), "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes"]


def of_cloud(portal: PortalProcess) -> tuple[str, str, int]:
    """Google's number of the machine, and when and how often it was switched on."""
    objects = portal.cloud("GET", "/_emulator/objects?type=google_compute_instance")
    found: dict[str, Any] = next(each for each in objects if f"/{NAME}-" in each["id"])
    return found["state"]["instance_id"], found["cloud"]["started"], found["cloud"]["boots"]


def keys_are_deployed(person: Person) -> None:
    expect(person.page.get_by_text("All workstations accept exactly these keys")).to_be_visible()


def test_a_second_key_works_on_a_running_machine_and_the_first_is_refused_once_deleted(
    person: Person, linus_api: ApiUser, laptop: Laptop, pairs: dict[str, Path]
) -> None:
    person.sign_in("Linus")
    add(person, "first", pairs["first"])
    made = linus_api.create(NAME)
    running = linus_api.wait(made["id"], "running")
    laptop.install("known_hosts", linus_api.call("GET", "/ssh_known_hosts").text)
    known = f"UserKnownHostsFile={laptop.home}/.ssh/stationmaster/known_hosts"
    account = f"{running['ssh_username']}@{running['address']}"
    there = ["-o", known, "-o", "StrictHostKeyChecking=yes", "-p", "2222", account]
    before = of_cloud(person.portal)
    assert "marked" in laptop.ssh(*with_key(pairs["first"]), *there, "echo marked > /tmp/mark; cat /tmp/mark")
    assert laptop.run("ssh", *with_key(pairs["second"]), *there, "true").returncode == 255
    command = ["ssh", *with_key(pairs["first"]), *there, "echo in; read line; echo $line"]
    session = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert session.stdout
    assert session.stdout.readline() == "in\n"

    add(person, "second", pairs["second"])
    keys_are_deployed(person)
    assert laptop.ssh(*with_key(pairs["second"]), *there, "cat /tmp/mark") == "marked\n"

    person.page.get_by_role("link", name="Delete first").click()
    expect(person.page.get_by_text(f"will be removed from {NAME}")).to_be_visible()
    person.page.get_by_role("button", name="Delete key").click()
    keys_are_deployed(person)
    refused = laptop.run("ssh", *with_key(pairs["first"]), *there, "true")
    assert (refused.returncode, "Permission denied" in refused.stderr) == (255, True)
    assert laptop.ssh(*with_key(pairs["second"]), *there, "cat /tmp/mark") == "marked\n"

    assert session.communicate("still\n", timeout=60)[0] == "still\n"
    assert of_cloud(person.portal) == before
    runs = linus_api.call("GET", f"/api/v1/runs?workstation_id={made['id']}")
    assert [run["kind"] for run in runs.json] == ["rekey", "rekey", "provision"]
    linus_api.call("DELETE", f"/api/v1/workstations/{made['id']}")
    linus_api.wait(made["id"], "destroyed")
