"""The emulator's page for people."""

from collections.abc import Iterator

import httpx2
import pytest

from tests.emulator.world import World, machine, refused


@pytest.fixture
def browser(world: World) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=world.emulator.url, follow_redirects=True) as client:
        yield client


def test_it_says_what_it_is_and_what_runs(world: World, browser: httpx2.Client) -> None:
    metadata = machine(**{"ssh-keys": "grace:ssh-ed25519 AAAA"})["metadata"]
    name = world.instance(metadata=metadata).rpartition("/")[2]
    page = browser.get("/").text
    assert "Emulated" in page
    assert name in page
    assert "ssh -p 2222 grace@127." in page
    assert "google_compute_instance" in page


def test_trouble_can_be_made_and_taken_back_with_forms(world: World, browser: httpx2.Client) -> None:
    page = browser.post("/_emulator/page/faults", data={"preset": "stock-out", "id": "doomed", "times": "2"})
    assert "stock-out, 2 more times" in page.text
    assert "does not have enough resources" in refused(lambda: world.instance("doomed-1"))["message"]
    world.instance()
    page = browser.post("/_emulator/page/faults/clear")
    assert "more time" not in page.text
    world.instance("doomed-2")
    browser.post("/_emulator/page/faults", data={"preset": "vanish", "id": "doomed-2", "times": "1"})
    assert "doomed-2" not in browser.get("/").text


def test_an_invalid_fault_is_refused(browser: httpx2.Client) -> None:
    answer = browser.post("/_emulator/page/faults", data={"preset": "slow", "id": "", "times": "many"})
    assert answer.status_code == 422
    assert "invalid fault" in answer.text


def test_another_site_cannot_make_trouble(world: World, browser: httpx2.Client) -> None:
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        answer = browser.post("/_emulator/page/faults", data={"preset": "slow"}, headers=headers)
        assert answer.status_code == 403
    assert world.emulator.call("GET", "/_emulator/faults") == []
