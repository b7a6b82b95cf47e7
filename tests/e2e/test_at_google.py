"""What happens to a machine at Google shows on its page by itself, and one click mends it."""

from playwright.sync_api import expect

from tests.e2e.conftest import NO_QUESTION, Laptop, Person, install
from tests.portal_process import ApiUser

NOTICED_MS = 60_000
"""A tick of 20 seconds, and a busy computer."""


def happens(person: Person, preset: str, machine: str) -> None:
    """At Google, by Linus or by Google itself."""
    fault = {"preset": preset, "id": machine, "user": "linus@example.com"}
    person.portal.cloud("POST", "/_emulator/faults", fault)


def test_a_preempted_machine_shows_as_such_and_is_started_again(
    person: Person, equipped: Laptop, grace_api: ApiUser
) -> None:
    made = grace_api.create("preempted", spot=True)
    grace_api.wait(made["id"], "running")
    install(person, equipped, grace_api)
    person.open(f"/workstations/{made['id']}")
    happens(person, "preempt", f"preempted-{made['id']}$")
    expect(person.page.get_by_text("Google stopped this Spot machine")).to_be_visible(timeout=NOTICED_MS)
    expect(person.page.get_by_text("while it is stopped")).to_be_visible()
    person.page.get_by_role("button", name="Start").first.click()
    person.open_run("Start")
    expect(person.page.get_by_text("Applied").first).to_be_visible(timeout=NOTICED_MS)
    assert equipped.ssh(*NO_QUESTION, "preempted", "echo here") == "here\n"


def test_a_machine_deleted_in_the_console_is_created_again_around_its_disk(
    person: Person, equipped: Laptop, grace_api: ApiUser
) -> None:
    made = grace_api.create("deleted")
    before = grace_api.wait(made["id"], "running")
    install(person, equipped, grace_api)
    equipped.ssh(*NO_QUESTION, "deleted", "echo kept > /home/jupyter/note")
    person.open(f"/workstations/{made['id']}")
    happens(person, "delete", f"deleted-{made['id']}$")
    expect(person.page.get_by_text("linus@example.com deleted it")).to_be_visible(timeout=NOTICED_MS)
    person.page.get_by_role("button", name="Create machine again").click()
    person.open_run("Update")
    expect(person.page.get_by_text("Applied").first).to_be_visible(timeout=NOTICED_MS)
    after = grace_api.wait(made["id"], "running")
    assert (after["address"], after["host_keys"]) == (before["address"], before["host_keys"])
    assert equipped.ssh(*NO_QUESTION, "deleted", "cat /home/jupyter/note") == "kept\n"


def test_a_suspended_machine_is_resumed_with_the_same_host_key(
    person: Person, equipped: Laptop, grace_api: ApiUser
) -> None:
    made = grace_api.create("dozing")
    grace_api.wait(made["id"], "running")
    install(person, equipped, grace_api)
    person.open(f"/workstations/{made['id']}")
    person.page.get_by_role("link", name="Suspend").click()
    person.page.get_by_role("button", name="Suspend dozing").click()
    grace_api.wait(made["id"], "suspended")
    person.open(f"/workstations/{made['id']}")
    expect(person.page.get_by_text("while it is suspended")).to_be_visible()
    assert equipped.run("ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=3", "dozing", "true").returncode != 0
    person.page.get_by_role("button", name="Resume").click()
    grace_api.wait(made["id"], "running")
    assert equipped.ssh(*NO_QUESTION, "dozing", "echo here") == "here\n"
