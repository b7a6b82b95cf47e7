"""The doctor's page, examined by the real worker against the emulated Google."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import Person
from tests.portal_process import PortalProcess

API = "secretmanager.googleapis.com"


@pytest.fixture
def without_an_api(portal: PortalProcess) -> Iterator[None]:
    portal.cloud("PATCH", "/_emulator/project", {"apis_off": [API]})
    yield
    portal.cloud("PATCH", "/_emulator/project", {"apis_off": []})


def test_ada_has_a_worker_look_until_nothing_is_missing(
    person: Person, portal: PortalProcess, without_an_api: None
) -> None:
    person.sign_in("Ada")
    person.open("/")
    person.page.locator("summary", has_text="Admin").click()
    person.page.get_by_role("link", name="Doctor").click()
    # "Run checks", unless a worker has looked: it does so by itself once a day.
    person.page.get_by_role("button", name="Run checks").click()
    expect(person.page.get_by_text("Requirements missing")).to_be_visible()
    command = f"gcloud services enable {API} --project=pocket-project"
    expect(person.page.get_by_text(command)).to_be_visible()

    # Terraform turns it on again, as `terraform/bootstrap` does.
    body = {"state": {"service": API}, "write_only": {}}
    portal.cloud("POST", f"/terraform/google_project_service/pocket-project/{API}", body)
    person.page.get_by_role("button", name="Run checks again").click()
    # Other tests' machines may have failed, which is a warning.
    expect(person.page.get_by_text("Requirements missing")).to_have_count(0)
    expect(person.page.get_by_text(command)).not_to_be_visible()


@pytest.mark.long
def test_it_works_without_javascript(person_without_javascript: Person) -> None:
    person = person_without_javascript
    person.sign_in("Ada")
    person.open("/admin/doctor")
    person.page.get_by_role("button", name="Run checks").click()
    expect(person.page.get_by_role("heading", name="Doctor")).to_be_visible()
    # The page loads itself anew while a worker looks.
    expect(person.page.get_by_role("heading", name="Passed")).to_be_visible()
