"""The shared stack is destroyed with its database, and made again; nobody loses the admins' role on the way."""

from typing import Any

import pytest

from tests.portal_process import ApiUser, PortalProcess

pytestmark = pytest.mark.long
OFF = ("storage", "docker_registry", "pypi_registry", "mlflow", "kubernetes")
SETTINGS = {f"deploy_{part}": False for part in OFF} | {"enable_services": False, "deletion_protection": False}
OWNERS = ["user:ada@example.com", "user:grace@example.com"]


@pytest.fixture
def ada(portal: PortalProcess) -> ApiUser:
    return ApiUser(portal, "ada@example.com")


def decide(ada: ApiUser, run_id: str) -> None:
    """Approve what the run waits for, if it waits, and see it end well."""
    waiting = ada.wait_run(run_id, "awaiting_approval", "applied", "no_changes", "errored")
    if waiting["status"] == "awaiting_approval":
        names = [each["name"] for each in waiting["awaits"] if each["name"]]
        answer = ada.call("POST", f"/api/v1/runs/{run_id}/approve", {"confirm": names})
        assert answer.status == 202, answer.text
    ended = ada.wait_run(run_id, "applied", "no_changes", "errored")
    assert ended["status"] != "errored", ended


def configure(ada: ApiUser, **settings: object) -> None:
    answer = ada.call("PATCH", "/api/v1/shared-stack", {"settings": settings})
    assert answer.status == 202, answer.text
    decide(ada, answer.json["id"])


def destroy(ada: ApiUser) -> None:
    decide(ada, ada.call("DELETE", "/api/v1/shared-stack").json["id"])


def database(portal: PortalProcess) -> list[str]:
    found = portal.cloud("GET", "/_emulator/objects?type=google_sql_database_instance")
    return [thing["state"]["name"].rpartition("-pocket")[0] for thing in found]


def owners(portal: PortalProcess) -> list[str]:
    policy: dict[str, Any] = portal.cloud("POST", "/v3/projects/pocket-project:getIamPolicy", {})
    return [member for each in policy["bindings"] if each["role"] == "roles/owner" for member in each["members"]]


def test_it_is_destroyed_with_its_database_and_made_again(portal: PortalProcess, ada: ApiUser) -> None:
    configure(ada, **SETTINGS)
    assert database(portal) == ["postgres"]
    destroy(ada)
    assert database(portal) == []
    configure(ada, **SETTINGS)
    assert database(portal) == ["postgres-2"]


def test_a_role_that_others_may_have_again_is_taken_from_nobody(portal: PortalProcess, ada: ApiUser) -> None:
    for principal in OWNERS:
        decide(ada, ada.call("POST", "/api/v1/iam-admins", {"principal": principal}).json["id"])
    configure(ada, **SETTINGS, deploy_sql=False, authoritative_admins=True)
    assert owners(portal) == OWNERS
    configure(ada, authoritative_admins=False, ssh_allowed_ips=["198.51.100.0/24"])
    assert owners(portal) == OWNERS
