"""Grace leaves: she is out at once, in her browser, by token and by ssh, and Linus goes on with her files."""

import http.client
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import Laptop, Person
from tests.portal_process import ApiUser, PortalProcess, running_portal

NO_QUESTION = ("-o", "StrictHostKeyChecking=yes")
NOTE = "/home/jupyter/note"
A_MINUTE = 60.0


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PortalProcess]:
    """One of its own: others need Grace."""
    with running_portal(tmp_path_factory.mktemp("leaving") / "data") as portal:
        yield portal


@pytest.fixture
def ada(portal: PortalProcess, chromium: Browser) -> Iterator[Person]:
    """The admin, signed in."""
    context = chromium.new_context()
    context.set_default_timeout(20_000)
    ada = Person(portal, context, context.new_page())
    ada.sign_in("Ada Lovelace")
    yield ada
    context.close()


def equip(laptop: Laptop, api: ApiUser) -> None:
    """All that the portal has for this member's computer."""
    for key in api.call("GET", "/api/v1/ssh-keys").json["items"]:
        laptop.install(key["name"], api.call("GET", f"/api/v1/ssh-keys/{key['id']}/private").text)
    laptop.install("config", api.call("GET", "/ssh_compute_config").text)
    laptop.install("known_hosts", api.call("GET", "/ssh_known_hosts").text)


def stream_of(api: ApiUser) -> http.client.HTTPResponse:
    """An open stream of events, which has sent its first one."""
    connection = http.client.HTTPConnection(urlsplit(api.portal.url).netloc, timeout=A_MINUTE)
    connection.request("GET", "/events", headers={"Authorization": f"Bearer {api.token}"})
    stream = connection.getresponse()
    assert stream.readline().startswith(b"event: changed")
    return stream


def is_refused(laptop: Laptop, host: str) -> bool:
    """Whether a new login is, within a minute."""
    deadline = time.monotonic() + A_MINUTE
    while time.monotonic() < deadline:
        login = laptop.run("ssh", "-o", "BatchMode=yes", *NO_QUESTION, host, "true")
        if login.returncode == 255 and "Permission denied" in login.stderr:
            return True
    return False


def open_page_of_grace(ada: Person) -> Page:
    ada.open("/admin/members?q=grace")
    ada.page.get_by_role("link", name="Grace Hopper").click()
    return ada.page


def disable(ada: Person) -> None:
    page = open_page_of_grace(ada)
    page.get_by_role("button", name="Disable account").click()
    expect(page.get_by_text("Disabled since")).to_be_visible()


def hand_disk_to_linus(ada: Person, workstation_id: str) -> None:
    page = open_page_of_grace(ada)
    page.get_by_role("link", name="Delete leaving").click()
    page.get_by_role("button", name="Delete leaving").click()
    ApiUser(ada.portal, "ada@example.com").wait(workstation_id, "destroyed")
    open_page_of_grace(ada).get_by_role("link", name="Hand over the disk of leaving").click()
    page.get_by_label("New owner").fill("linus@example.com")
    page.get_by_role("button", name="Hand over").click()
    expect(page.get_by_role("heading", name="leaving")).to_be_visible()


def test_grace_is_out_at_once_and_linus_has_her_file(person: Person, ada: Person, laptop: Laptop) -> None:
    grace, linus = [ApiUser(person.portal, f"{name}@example.com") for name in ("grace", "linus")]
    person.sign_in("Grace Hopper")
    made = grace.create("leaving")
    grace.wait(made["id"], "running")
    equip(laptop, grace)
    laptop.ssh(*NO_QUESTION, "leaving", f"echo from grace > {NOTE}")
    session, stream = laptop.open("leaving", "echo in; read line; echo $line"), stream_of(grace)
    disable(ada)

    stream.read()
    refused = grace.call("GET", "/api/v1/workstations")
    assert (refused.status, "can no longer sign in" in refused.text) == (401, True)
    person.sign_in("Grace Hopper")
    expect(person.page.get_by_text("The account grace@example.com is disabled.")).to_be_visible()
    assert is_refused(laptop, "leaving")
    assert session.communicate("still\n", timeout=60)[0] == "still\n"

    hand_disk_to_linus(ada, made["id"])
    assert linus.call("POST", "/api/v1/ssh-keys/generate", {"name": "laptop"}).status == 201
    assert linus.call("POST", f"/api/v1/workstations/{made['id']}/machine", {}).status == 202
    assert linus.wait(made["id"], "running")["ssh_username"] == "linus"
    equip(laptop, linus)
    assert laptop.ssh(*NO_QUESTION, "leaving", f"cat {NOTE}; echo from linus > {NOTE}-2") == "from grace\n"
    page = open_page_of_grace(ada)
    for button in ("Delete SSH key stationmaster", "Revoke cli"):
        page.get_by_role("button", name=button).click()
    expect(page.get_by_text("Nothing left")).to_be_visible()
