"""Ada stops ten machines of three people at once, and sees what became of each."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import Person
from tests.portal_process import ApiUser, PortalProcess, running_portal

MACHINES = {"ada": 3, "grace": 4, "linus": 4}
PATIENCE_S = 300


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PortalProcess]:
    """One of its own: all of its machines are stopped."""
    with running_portal(tmp_path_factory.mktemp("fleet") / "data") as portal:
        yield portal


def make_machines(portal: PortalProcess) -> dict[str, tuple[ApiUser, str]]:
    """Name → whose it is, and its ID. One of Linus's is stopped already."""
    users = {name: ApiUser(portal, f"{name}@example.com") for name in MACHINES}
    made = {
        f"{name}-{number}": (user, str(user.create(f"{name}-{number}")["id"]))
        for name, user in users.items()
        for number in range(MACHINES[name])
    }
    for user, id_ in made.values():
        user.wait(id_, "running", seconds=PATIENCE_S)
    user, id_ = made["linus-3"]
    assert user.call("POST", f"/api/v1/workstations/{id_}/stop").status == 202
    user.wait(id_, "stopped", seconds=PATIENCE_S)
    return made


def test_ten_machines_of_three_people_are_stopped_at_once(portal: PortalProcess, person: Person) -> None:
    made = make_machines(portal)
    person.sign_in("Ada Lovelace")
    page = person.page
    person.open("/admin/workstations")
    expect(page.get_by_role("heading", name="11 workstations")).to_be_visible()
    page.get_by_role("link", name="Stop all").click()
    page.get_by_role("button", name="Stop 11 workstations").click()

    expect(page.get_by_role("heading", name="Stop 11 workstations")).to_be_visible()
    expect(page.get_by_text("Done with problems")).to_be_visible(timeout=PATIENCE_S * 1000)
    rows = page.get_by_role("region", name="Each workstation").get_by_role("listitem")
    for name, (user, _) in made.items():
        row = rows.filter(has=page.get_by_role("link", name=name, exact=True))
        expect(row).to_contain_text(user.email)
        expect(row).to_contain_text("cannot stop while it is stopped" if name == "linus-3" else "Applied")
    summary = page.get_by_role("region", name="Summary").inner_text()
    assert summary.split() == ["Done", "10", "Not", "possible", "1"]

    assert {user.wait(id_, "stopped")["status"] for user, id_ in made.values()} == {"stopped"}
    instances = portal.cloud("GET", "/_emulator/objects?type=google_compute_instance")
    assert [instance["cloud"]["status"] for instance in instances] == ["TERMINATED"] * len(made)
