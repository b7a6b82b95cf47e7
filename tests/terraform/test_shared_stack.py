"""The shared stack, applied and destroyed by the real Terraform in the emulated cloud."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.emulator_process import EmulatorProcess, start_emulator
from tests.terraform.conftest import Terraform
from tests.terraform.shared_stack import EVERYTHING, NOTHING, SECRETS, STACK_ID, SWITCHES, SharedStack

# Types with neither labels nor a description; and disks, here the boot disks that Google makes with a machine.
SAY_NOTHING = (
    *("_iam_member", "_iam_binding", "_peering", "_connection", "_version", "_key", "_nat", "_user", "_database"),
    *("_project_service", "_disk"),
)

FORMER_ADDRESSES = {
    'google_compute_firewall.ingress["allow-ssh"]': "google_compute_firewall.allow_ssh",
    'google_compute_firewall.ingress["allow-ssh-v6"]': "google_compute_firewall.allow_ssh_v6[0]",
    'google_compute_firewall.ingress["mlflow-access"]': "google_compute_firewall.mlflow_access[0]",
    'google_compute_firewall.ingress["mlflow-access-v6"]': "google_compute_firewall.mlflow_access_v6[0]",
    'module.storage[0].google_storage_bucket.versioned["data"]': "module.storage[0].google_storage_bucket.data",
    'module.storage[0].google_storage_bucket.versioned["evaluation-results"]': (
        "module.storage[0].google_storage_bucket.evaluation_results"
    ),
}
"""Address → the one that states have which were made before there were maps."""


@pytest.fixture
def emulator(tmp_path: Path) -> Iterator[EmulatorProcess]:
    emulator = start_emulator(tmp_path)
    yield emulator
    emulator.stop()


@pytest.fixture
def stack(terraform: Terraform, tree: Path, emulator: EmulatorProcess) -> SharedStack:
    return SharedStack(terraform, tree / "shared", emulator)


def says_whose_it_is(thing: dict[str, Any]) -> bool:
    """In its labels or its description, if it has either."""
    if thing["type"].endswith(SAY_NOTHING):
        return True
    state = thing["state"]
    settings = (state.get("settings") or [{}])[0]
    labels = state.get("labels") or state.get("resource_labels") or settings.get("user_labels") or {}
    described = f"stationmaster-stack={STACK_ID}" in str(state.get("description"))
    return labels.get("stationmaster-stack") == STACK_ID or described


def test_everything_on_then_destroyed_to_nothing(stack: SharedStack) -> None:
    stack.apply(**EVERYTHING)
    assert stack.plan(**EVERYTHING) == {}
    assert [name for name, value in stack.outputs().items() if value in (None, "", [], {})] == []

    assert [thing["id"] for thing in stack.emulator.objects() if not says_whose_it_is(thing)] == []
    written = (stack.folder / "terraform.tfstate").read_text()
    assert [name for name, secret in SECRETS.items() if secret in written] == []

    added = {
        "mlflow_allowed_ips": ["203.0.113.7/32", "203.0.113.8/32", "2001:db8::/48"],
        "iam_admins": ["user:ada@example.com", "user:joan@example.com"],
    }
    assert stack.plan(**EVERYTHING | added) == {
        'google_compute_firewall.ingress["mlflow-access"]': "update",
        "google_project_iam_binding.this[0]": "update",
        'google_project_iam_member.admin["user:joan@example.com"]': "create",
        'google_service_account_iam_member.artifact_writer["user:joan@example.com"]': "create",
        'google_service_account_iam_member.data_storage_admin["user:joan@example.com"]': "create",
    }

    stack.destroy()
    assert stack.left() == []


def test_nobody_loses_the_role_when_others_may_have_it_again(stack: SharedStack) -> None:
    """A binding that is destroyed takes the role from everybody, those on the list too."""
    admins = ["user:ada@example.com", "user:joan@example.com"]
    listed = NOTHING | {"authoritative_admins": True, "iam_admins": admins}
    stack.apply(**listed)
    assert stack.holders("roles/owner") == admins

    with pytest.raises(pytest.fail.Exception, match="Instance cannot be destroyed"):
        stack.plan(**listed | {"authoritative_admins": False})
    stack.forget_binding()
    assert stack.plan(**listed | {"authoritative_admins": False}) == {}
    assert stack.holders("roles/owner") == admins
    stack.destroy()
    assert stack.left() == []


def test_a_state_made_before_there_were_maps_is_taken_over(stack: SharedStack) -> None:
    parts = NOTHING | {"deploy_mlflow": True, "deploy_storage": True}
    stack.apply(**parts)
    for address, before in FORMER_ADDRESSES.items():
        stack.run("state", "mv", address, before)
    assert stack.plan(**parts) == {}
    stack.run("apply", "tfplan")
    assert set(FORMER_ADDRESSES) <= set(stack.run("state", "list").splitlines())
    stack.destroy()


@pytest.mark.long
def test_what_is_protected_or_holds_data_stays_until_it_is_given_up(stack: SharedStack) -> None:
    parts = NOTHING | {"deploy_sql": True, "deploy_storage": True}
    stack.apply(**parts, deletion_protection=True)
    file = {"state": {"id": "data-vision-weights", "bucket": "data-vision", "name": "weights"}}
    stack.emulator.call("POST", "/terraform/google_storage_bucket_object/data-vision-weights", file)

    with pytest.raises(pytest.fail.Exception, match="deletion_protection is set to true") as refused:
        stack.destroy()
    assert "data-vision containing objects without `force_destroy`" in " ".join(str(refused.value).split())

    stack.apply(**parts, deletion_protection=False, force_destroy_buckets=True)
    stack.destroy()
    assert stack.left() == []


def test_a_database_is_deleted_and_made_again(stack: SharedStack) -> None:
    """Google deletes no connection that was just used, and gives no name a second time within a week."""
    parts = NOTHING | {"deploy_sql": True}
    stack.apply(**parts)
    assert stack.outputs()["sql_instance_name"] == "postgres-vision"
    stack.destroy()
    assert stack.left() == []
    assert len(stack.emulator.objects("google_service_networking_connection")) == 1

    stack.apply(**parts, sql_generation=2)
    assert stack.outputs()["sql_instance_name"] == "postgres-2-vision"
    assert stack.plan(**parts, sql_generation=2) == {}
    assert len(stack.emulator.objects("google_service_networking_connection")) == 1
    stack.destroy()
    assert stack.left() == []


@pytest.mark.long
def test_another_password_is_written_without_replacing_the_database(stack: SharedStack) -> None:
    parts = NOTHING | {"deploy_sql": True}
    stack.apply(**parts)
    stack.secrets["sql_password"] = "another-Sesame-1"  # pretend
    assert stack.plan(**parts) == {}
    assert stack.plan(**parts, secrets_version=2) == {
        "module.sql[0].google_secret_manager_secret_version.password": "create+delete",
        "module.sql[0].google_sql_user.this": "update",
    }
    stack.destroy()


@pytest.mark.long
def test_nothing_on_is_valid_too(stack: SharedStack) -> None:
    stack.apply(**NOTHING)
    assert stack.plan(**NOTHING) == {}
    assert "data_bucket_name" not in stack.outputs()
    stack.destroy()
    assert stack.left() == []


@pytest.mark.long
@pytest.mark.parametrize("switch", SWITCHES)
def test_each_part_alone(stack: SharedStack, switch: str) -> None:
    stack.apply(**NOTHING | {switch: True})
    assert stack.plan(**NOTHING | {switch: True}) == {}
    stack.destroy()
    assert stack.left() == []


@pytest.mark.long
@pytest.mark.timeout(900)  # 33 plans, 23 of which are applied
def test_each_part_is_taken_away_and_comes_back(stack: SharedStack) -> None:
    generation = 1
    stack.apply(**EVERYTHING)
    for switch in SWITCHES:
        without = EVERYTHING | {switch: False, "sql_generation": generation}
        if switch == "authoritative_admins":
            stack.forget_binding()
        stack.apply(**without)
        assert stack.plan(**without) == {}, switch
        # The name of a deleted database is refused for a week.
        generation += switch == "deploy_sql"
        stack.apply(**EVERYTHING, sql_generation=generation)
    stack.destroy()
    assert stack.left() == []
