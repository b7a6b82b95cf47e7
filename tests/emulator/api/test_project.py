"""The project as a whole: shaped as Google's discovery documents say, and changed to see what happens then."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from tests.emulator.api.discovery import faults_in, response_schema
from tests.emulator.world import PROJECT, REGION, World, refused

ALL_WELL: dict[str, Any] = {"billing": True, "apis_off": [], "denied": [], "quotas": {}}


@pytest.fixture(autouse=True)
def as_before(world: World) -> Iterator[None]:
    yield
    world.emulator.call("PATCH", "/_emulator/project", ALL_WELL)


def change(world: World, **values: object) -> None:
    world.emulator.call("PATCH", "/_emulator/project", values)


def services(world: World, query: str = "") -> dict[str, Any]:
    return dict(world.emulator.call("GET", f"/v1/projects/{PROJECT}/services?filter=state:ENABLED{query}"))


def names(answer: dict[str, Any]) -> list[str]:
    return [service["config"]["name"] for service in answer["services"]]


def test_answers_have_googles_shape(world: World) -> None:
    call = world.emulator.call
    asked = {"permissions": ["compute.instances.create"]}
    account = f"/v1/projects/-/serviceAccounts/vm@{PROJECT}.iam.gserviceaccount.com:testIamPermissions"
    test = "testIamPermissions"
    for answer, api, *method in (
        (call("GET", f"/v3/projects/{PROJECT}"), "cloudresourcemanager.v3", "projects", "get"),
        (call("POST", f"/v3/projects/{PROJECT}:{test}", asked), "cloudresourcemanager.v3", "projects", test),
        (call("GET", f"/v1/projects/{PROJECT}/billingInfo"), "cloudbilling.v1", "projects", "getBillingInfo"),
        (services(world), "serviceusage.v1", "services", "list"),
        (call("POST", account, asked), "iam.v1", "projects", "serviceAccounts", test),
    ):
        assert answer
        assert faults_in(answer, response_schema(api, *method), api) == []


def test_databases_and_clusters_have_googles_shape(world: World) -> None:
    sql, cluster = f"projects/{PROJECT}/instances/db", f"projects/{PROJECT}/locations/{REGION}/clusters/pods"
    settings = {"tier": "db-f1-micro", "activation_policy": "ALWAYS"}
    state = {"name": "db", "region": REGION, "database_version": "POSTGRES_18", "settings": [settings]}
    world.create("google_sql_database_instance", sql, state)
    world.create("google_container_cluster", cluster, {"name": "pods", "location": REGION, "enable_autopilot": True})
    for path, status, api, *method in (
        (sql, ("state", "RUNNABLE"), "sqladmin.v1", "instances", "get"),
        (cluster, ("status", "RUNNING"), "container.v1", "projects", "locations", "clusters", "get"),
    ):
        answer = world.emulator.call("GET", f"/v1/{path}")
        assert faults_in(answer, response_schema(api, *method), api) == []
        assert status in answer.items()
        missing = refused(partial(world.emulator.call, "GET", f"/v1/{path}-2"))
        assert missing["status"] == "NOT_FOUND"


def test_services_come_in_pages(world: World) -> None:
    first = services(world, "&pageSize=5")
    rest = services(world, f"&pageSize=200&pageToken={first['nextPageToken']}")
    assert names(first) + names(rest) == names(services(world))
    assert "nextPageToken" not in rest


def test_what_is_taken_away_is_missing(world: World) -> None:
    change(world, billing=False, apis_off=["compute.googleapis.com"], denied=["compute.disks.create"])
    assert world.emulator.call("GET", f"/v1/projects/{PROJECT}/billingInfo")["billingEnabled"] is False
    assert "compute.googleapis.com" not in names(services(world))
    asked = {"permissions": ["compute.disks.create", "compute.disks.get"]}
    answer = world.emulator.call("POST", f"/v3/projects/{PROJECT}:testIamPermissions", asked)
    assert answer == {"permissions": ["compute.disks.get"]}


def test_a_quota_is_as_low_as_it_was_made(world: World) -> None:
    change(world, quotas={"NVIDIA_L4_GPUS": 0, "GPUS_ALL_REGIONS": 1})
    for path, metric, limit in (
        (f"projects/{PROJECT}/regions/{REGION}", "NVIDIA_L4_GPUS", 0.0),
        (f"projects/{PROJECT}", "GPUS_ALL_REGIONS", 1.0),
    ):
        quotas = {quota["metric"]: quota["limit"] for quota in world.rest(path)["quotas"]}
        assert quotas[metric] == limit


def test_an_api_that_is_off_refuses_until_terraform_turns_it_on(world: World) -> None:
    name = "cloudbilling.googleapis.com"
    change(world, apis_off=[name])
    error = refused(lambda: world.emulator.call("GET", f"/v1/projects/{PROJECT}/billingInfo"))
    assert (error["status"], f"{name} has not been used in project" in error["message"]) == ("PERMISSION_DENIED", True)
    world.create("google_project_service", f"{PROJECT}/{name}", {"service": name})
    assert world.emulator.call("GET", f"/v1/projects/{PROJECT}/billingInfo")["billingEnabled"] is True


def test_another_project_is_refused(world: World) -> None:
    error = refused(lambda: world.emulator.call("GET", "/v3/projects/somebody-elses"))
    assert error["code"] == 403


@pytest.mark.parametrize("values", [{"colour": "red"}, {"billing": "no"}, {"quotas": []}])
def test_an_invalid_change_is_refused(world: World, values: dict[str, object]) -> None:
    with pytest.raises(Exception, match="is not valid"):
        world.emulator.call("PATCH", "/_emulator/project", values)
