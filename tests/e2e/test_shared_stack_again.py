"""The shared stack is destroyed with its database, and made again; nobody loses the admins' role on the way."""

from collections.abc import Iterator

import pytest

from tests.e2e.shared_stack import SharedStack
from tests.portal_process import ApiUser, running_portal

pytestmark = pytest.mark.long
OFF = ("storage", "docker_registry", "pypi_registry", "mlflow", "kubernetes")
SETTINGS = {f"deploy_{part}": False for part in OFF} | {"enable_services": False, "deletion_protection": False}
OWNERS = ["user:ada@example.com", "user:grace@example.com"]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SharedStack]:
    with running_portal(tmp_path_factory.mktemp("again") / "data") as portal:
        yield SharedStack(portal, ApiUser(portal, "ada@example.com"))


def databases(stack: SharedStack) -> list[str]:
    return [each["state"]["name"].rpartition("-pocket")[0] for each in stack.objects("google_sql_database_instance")]


def test_it_is_destroyed_with_its_database_and_made_again(stack: SharedStack) -> None:
    stack.configure(**SETTINGS)
    assert databases(stack) == ["postgres"]
    stack.destroy()
    assert stack.left() == []
    stack.configure(**SETTINGS)
    assert databases(stack) == ["postgres-2"]


def test_a_role_that_others_may_have_again_is_taken_from_nobody(stack: SharedStack) -> None:
    for principal in OWNERS:
        stack.run("POST", "/api/v1/iam-admins", {"principal": principal})
    stack.configure(**SETTINGS, deploy_sql=False, authoritative_admins=True)
    assert stack.holders("roles/owner") == OWNERS
    stack.configure(authoritative_admins=False, ssh_allowed_ips=["198.51.100.0/24"])
    assert stack.holders("roles/owner") == OWNERS
