"""The main job, as a person does it: a real browser, real Terraform, and the real OpenSSH client."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Download, Page, expect

from tests.e2e.conftest import Laptop, Person
from tests.portal_process import ApiUser, PortalProcess


def create(person: Person, name: str, machine: str) -> str:
    """Fill the form in; returns the new workstation's path."""
    person.open("/workstations/new")
    person.page.get_by_label("Name", exact=True).fill(name)
    person.page.get_by_label(re.compile(machine)).check()
    person.page.get_by_role("button", name="Create workstation").click()
    person.page.wait_for_url(re.compile(r"/workstations/(?!new)\w+$"))
    return person.page.url.removeprefix(person.portal.url)


def download(page: Page, link: str) -> str:
    with page.expect_download() as begun:
        page.get_by_role("link", name=link).first.click()
    file: Download = begun.value
    return Path(file.path()).read_text()


def install_files(person: Person, laptop: Laptop) -> None:
    """One by one: the private key, the configuration, the known hosts."""
    person.open("/ssh-keys")
    person.page.get_by_role("link", name="Download private key").first.click()
    person.page.get_by_role("heading", name="Sign in again").wait_for()
    person.page.get_by_role("link", name="Sign in with Google").click()
    person.page.get_by_role("button", name="Grace Hopper").click()
    laptop.install("stationmaster", download(person.page, "Download private key"))
    person.open("/")
    person.page.get_by_text("SSH setup and downloads").click()
    laptop.install("config", download(person.page, "ssh_compute_config"))
    laptop.install("known_hosts", download(person.page, "ssh_known_hosts"))


def test_grace_makes_machines_works_on_them_and_destroys_them(person: Person, laptop: Laptop) -> None:
    person.sign_in("Grace Hopper")
    gpu = create(person, "gpu-one", "NVIDIA L4.*g2-standard-8|g2-standard-8")
    cpu = create(person, "cpu-one", "e2-standard-4")

    person.page.get_by_role("link", name="View log").click()
    expect(person.page.get_by_text("Ready: ssh cpu-one")).to_be_visible()
    expect(person.page.get_by_text("Apply complete! Resources: 3 added")).to_be_visible()
    for path in (cpu, gpu):
        person.open(path)
        expect(person.page.get_by_text("Running").first).to_be_visible()

    # The worker has looked at what the project has.
    person.open("/workstations/new?machine_type=g4-standard-48&zone=europe-west4-a")
    expect(person.page.get_by_text("Zones and quotas updated")).to_be_visible()
    expect(person.page.locator("#zone-error")).to_contain_text("Available in europe-west4-b and us-central1-b")

    install_files(person, laptop)
    assert laptop.ssh("cpu-one", "hostname").strip().startswith("cpu-one-")
    assert laptop.ssh("gpu-one", "hostname").strip().startswith("gpu-one-")
    laptop.ssh("cpu-one", "echo kept > /home/jupyter/note.txt")
    copied = laptop.run("scp", "-o", "BatchMode=yes", "cpu-one:/home/jupyter/note.txt", "/tmp/../" + str(laptop.home))
    assert copied.returncode == 0, copied.stderr
    assert (laptop.home / "note.txt").read_text() == "kept\n"
    assert laptop.run("sftp", "-b", "-", "cpu-one", stdin="ls /home/jupyter\n").stdout.count("note.txt") == 1

    destroy(person, gpu, "Delete the disk too")
    destroy(person, cpu, "Keep the disk")
    assert person.portal.cloud_objects("gpu-one") == []
    assert [each.rpartition("/")[2] for each in person.portal.cloud_objects("cpu-one")] == [
        f"cpu-one-{cpu.rpartition('/')[2]}-home"
    ]


def destroy(person: Person, path: str, choice: str) -> None:
    person.open(path)
    person.page.get_by_role("link", name="Delete").click()
    person.page.get_by_label(choice).check()
    person.page.get_by_role("button", name="Delete").click()
    person.page.wait_for_url(re.compile(r"/(runs|workstations)/\w+$"))
    person.open(path)
    expect(person.page.locator(".title-row").get_by_text("Deleted", exact=True)).to_be_visible()


def test_a_host_key_that_is_not_the_pinned_one_is_refused(grace_api: ApiUser, laptop: Laptop) -> None:
    made = grace_api.create("pinned")
    running = grace_api.wait(made["id"], "running")
    laptop.install("config", grace_api.call("GET", "/ssh_compute_config").text)
    another = "AAAAC3NzaC1lZDI1NTE5AAAAIGJ1dCB0aGlzIGlzIG5vdCB0aGUga2V5IG9mIGl0ISE="
    laptop.install("known_hosts", f"[{running['address']}]:2222 ssh-ed25519 {another}\n")
    result = laptop.run("ssh", "-o", "BatchMode=yes", "pinned", "true")
    assert result.returncode == 255
    assert "Host key verification failed" in result.stderr


def test_without_javascript_a_machine_is_created_followed_and_destroyed(
    person_without_javascript: Person, grace_api: ApiUser
) -> None:
    person = person_without_javascript
    person.sign_in("Grace Hopper")
    path = create(person, "plain-one", "e2-standard-4")
    grace_api.wait(path.rpartition("/")[2], "running")
    person.open(path)
    expect(person.page.get_by_text("Running").first).to_be_visible()
    person.page.get_by_role("link", name="Create").first.click()
    expect(person.page.get_by_text("Ready: ssh plain-one")).to_be_visible()
    person.open(path)
    person.page.get_by_role("link", name="Delete").click()
    person.page.get_by_label("Delete the disk too").check()
    person.page.get_by_role("button", name="Delete").click()
    grace_api.wait(path.rpartition("/")[2], "destroyed")
    person.open(path)
    expect(person.page.locator(".title-row").get_by_text("Deleted", exact=True)).to_be_visible()
    assert person.portal.cloud_objects("plain-one") == []


def test_ten_machines_asked_for_at_once_come_up(portal: PortalProcess, linus_api: ApiUser) -> None:
    made = [linus_api.create(f"many-{number}") for number in range(10)]
    running = [linus_api.wait(each["id"], "running", "failed", seconds=120) for each in made]
    assert [each["status"] for each in running] == ["running"] * 10
    assert len({each["address"] for each in running}) == 10
    runs = [linus_api.call("GET", f"/api/v1/runs/{each['run_id']}").json for each in running]
    began, ended = sorted(run["claimed_at"] for run in runs), sorted(run["finished_at"] for run in runs)
    assert began[1] < ended[0], "runs went one after the other"
    for each in running:
        linus_api.call("DELETE", f"/api/v1/workstations/{each['id']}")
    for each in running:
        linus_api.wait(each["id"], "destroyed", seconds=120)
    assert portal.cloud_objects("many-") == []


@pytest.mark.parametrize(
    ("preset", "raw", "advice"),
    [
        ("stock-out", "does not have enough resources available", "no capacity for this machine type in this zone"),
        ("quota", "exceeded", "quota"),
    ],
)
def test_a_failure_shows_its_hint_and_raw_text_and_can_be_retried_or_removed(
    person: Person, preset: str, raw: str, advice: str
) -> None:
    person.sign_in("Grace Hopper")
    # Google is asked in each of the region's three zones before a shortage is one.
    times = {"stock-out": 3}.get(preset, 1)
    person.portal.cloud("POST", "/_emulator/faults", {"preset": preset, "times": times, "id": preset})
    path = create(person, f"{preset}-one", "e2-standard-4")
    expect(person.page.get_by_text(re.compile(advice)).first).to_be_visible()
    person.page.get_by_text(re.compile("Full error message")).first.click()
    expect(person.page.get_by_text(re.compile(raw)).first).to_be_visible()
    person.page.get_by_role("button", name=re.compile("Retry|Try again")).click()
    person.open(path)
    expect(person.page.get_by_text("Running").first).to_be_visible()
    destroy(person, path, "Delete the disk too")
    assert person.portal.cloud_objects(f"{preset}-one") == []
