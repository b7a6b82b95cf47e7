from collections.abc import AsyncIterator, Iterator, Mapping

import pytest
from google.api_core.exceptions import Forbidden, ServiceUnavailable
from google.auth.exceptions import GoogleAuthError

from app.infra.google_project import GoogleProject, Project
from tests.emulator.world import PROJECT
from tests.emulator_process import EmulatorProcess, start_emulator
from tests.parts import make_settings

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("emulated-project")]
ACCOUNT = f"vm@{PROJECT}.iam.gserviceaccount.com"


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatorProcess]:
    emulator = start_emulator(tmp_path_factory.mktemp("cloud"))
    yield emulator
    emulator.stop()


@pytest.fixture
async def google(emulator: EmulatorProcess) -> AsyncIterator[GoogleProject]:
    yield project_at(emulator.url)
    emulator.clear_faults()
    emulator.call("PATCH", "/_emulator/project", {"billing": True, "apis_off": [], "denied": []})


def project_at(endpoint: str, project: str = PROJECT) -> GoogleProject:
    return GoogleProject(make_settings(google_project=project, google_endpoint=endpoint))


async def test_the_project_as_it_is(google: GoogleProject) -> None:
    found = await google.project()
    assert found == Project(PROJECT, found.number, "Pocket project", is_active=True)
    assert found.number.isdecimal()
    assert await google.billing_is_on()
    assert "compute.googleapis.com" in await google.enabled_apis()
    assert await google.may_act_as(ACCOUNT)


async def test_what_is_taken_away_is_seen(google: GoogleProject, emulator: EmulatorProcess) -> None:
    denied = ["compute.disks.create", "iam.serviceAccounts.actAs"]
    change = {"billing": False, "apis_off": ["compute.googleapis.com"], "denied": denied}
    emulator.call("PATCH", "/_emulator/project", change)
    assert not await google.billing_is_on()
    assert "compute.googleapis.com" not in await google.enabled_apis()
    assert await google.granted(["compute.disks.create", "compute.disks.get"]) == {"compute.disks.get"}
    assert not await google.may_act_as(ACCOUNT)


async def test_a_database_and_a_cluster_tell_how_they_are(google: GoogleProject, emulator: EmulatorProcess) -> None:
    def put(method: str, type_: str, path: str, state: Mapping[str, object]) -> None:
        emulator.call(method, f"/terraform/{type_}/projects/{PROJECT}/{path}", {"state": state})

    assert (await google.sql_state("db"), await google.cluster_status("europe-west4", "pods")) == (None, None)
    put("POST", "google_sql_database_instance", "instances/db", {"name": "db"})
    pods = "locations/europe-west4/clusters/pods"
    put("POST", "google_container_cluster", pods, {"name": "pods", "location": "europe-west4"})
    assert await google.sql_state("db") == "RUNNABLE"
    assert await google.cluster_status("europe-west4", "pods") == "RUNNING"
    assert await google.cluster_status("us-central1", "pods") is None
    stopped = {"name": "db", "settings": [{"activation_policy": "NEVER"}]}
    put("PUT", "google_sql_database_instance", "instances/db", stopped)
    assert await google.sql_state("db") == "STOPPED"


async def test_many_permissions_are_asked_in_portions(google: GoogleProject, emulator: EmulatorProcess) -> None:
    asked = [f"compute.thing{number}.get" for number in range(201)]
    before = len(emulator.log_of_calls())
    assert await google.granted(asked) == set(asked)
    assert [call["op"] for call in emulator.log_of_calls()[before:]] == ["testIamPermissions"] * 3


async def test_many_services_come_in_pages(
    google: GoogleProject, emulator: EmulatorProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    all_at_once = await google.enabled_apis()
    monkeypatch.setattr("app.infra.google_project.SERVICES_A_PAGE", 5)
    before = len(emulator.log_of_calls())
    assert await google.enabled_apis() == all_at_once
    assert len(emulator.log_of_calls()[before:]) == 3


async def test_what_google_refuses_or_cannot_do_is_an_error(google: GoogleProject, emulator: EmulatorProcess) -> None:
    emulator.fault(type="project", status=403, message="No, says Google")
    with pytest.raises(Forbidden, match="No, says Google"):
        await google.project()
    emulator.fault(type="project", status=503)
    with pytest.raises(ServiceUnavailable):
        await google.enabled_apis()
    with pytest.raises(Forbidden):
        await project_at(emulator.url, "somebody-elses").project()


async def test_nobody_there_is_an_os_error() -> None:
    with pytest.raises(OSError, match=r"127\.0\.0\.1"):
        await project_at("http://127.0.0.1:9").billing_is_on()


async def test_credentials_are_looked_for_unless_the_endpoint_is_plain_http(
    google: GoogleProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere/key.json")
    assert (await google.who_am_i()).email is None
    for call in (project_at("").who_am_i(), project_at("").project()):
        with pytest.raises(GoogleAuthError):
            await call
