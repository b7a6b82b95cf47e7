"""What the worker is granted for each part of the infrastructure, against what Terraform makes for that part."""

import json
import re
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatchcase
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from app.config import SHARED_PARTS
from app.services.doctor import google_needs
from app.services.doctor.google_needs import ACCESS, NEEDS, WORKSTATIONS
from tests.emulator_process import EmulatorProcess, start_emulator
from tests.terraform.conftest import Terraform
from tests.terraform.machine import REPOSITORY
from tests.terraform.shared_stack import EVERYTHING, NOTHING, SharedStack

FACTS = tomllib.loads((Path(__file__).parent / "permissions.toml").read_text())
APIS = {
    "google_artifact_registry_": "artifactregistry",
    "google_compute_": "compute",
    "google_container_": "container",
    "google_project_iam_": "cloudresourcemanager",
    "google_project_service": "serviceusage",
    "google_secret_manager_": "secretmanager",
    "google_service_account": "iam",
    "google_service_networking_": "servicenetworking",
    "google_sql_": "sqladmin",
    "google_storage_": "storage",
}
"""What the names of types begin with → the API that has them."""
SWITCHES: dict[str, dict[str, Any]] = {
    ACCESS: dict.fromkeys(
        ("authoritative_admins", "deploy_service_accounts", "enable_services", "member_service_accounts"), True
    ),
    "storage": {"deploy_storage": True},
    "registries": {"deploy_docker_registry": True, "deploy_pypi_registry": True},
    # Keys are of the accounts that other parts bring.
    "keys": {"create_service_account_keys": True, "deploy_docker_registry": True, "deploy_storage": True},
    "sql": {"deploy_sql": True},
    "mlflow": {"deploy_mlflow": True},
    "kubernetes": {"deploy_kubernetes": True},
}
WITH = {"keys": {"registries", "storage"}}
"""Part → other ones that its switches need."""


def spelled_out(pattern: str) -> list[str]:
    """`a.{b,c}` is a.b and a.c."""
    found = re.fullmatch(r"(.*)\{(.+)\}(.*)", pattern)
    return [found[1] + each + found[3] for each in found[2].split(",")] if found else [pattern]


def every(patterns: Any) -> set[str]:
    return set(chain.from_iterable(map(spelled_out, patterns)))


def needed_for(addresses: Iterator[str] | set[str]) -> set[str]:
    """The permissions to make what has these addresses, and to let it act as its account."""
    needed: set[str] = set()
    for address in addresses:
        type_, name = re.sub(r"\[[^\]]*\]$", "", address).split(".")[-2:]
        needed |= every(FACTS["types"][type_])
        needed |= every(FACTS["acting"].get(type_, FACTS["acting"].get(f"{type_}.{name}", [])))
    return needed


def granted(parts: set[str]) -> set[str]:
    return set(chain.from_iterable(google_needs.grants(google_needs.parts_for(parts)).values()))


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatorProcess]:
    emulator = start_emulator(tmp_path_factory.mktemp("cloud"))
    yield emulator
    emulator.stop()


@pytest.fixture
def stack(terraform: Terraform, tree: Path, emulator: EmulatorProcess) -> SharedStack:
    return SharedStack(terraform, tree / "shared", emulator)


@pytest.mark.parametrize("part", SHARED_PARTS)
def test_each_part_is_granted_what_terraform_makes_for_it(stack: SharedStack, part: str) -> None:
    addresses = set(stack.plan(**NOTHING | SWITCHES[part]))
    parts = {part, *WITH.get(part, ())}

    assert needed_for(addresses) - granted(parts) == set()
    apis = {next(api for start, api in APIS.items() if start in address) for address in addresses}
    assert {f"{api}.googleapis.com" for api in apis} - set(google_needs.apis(google_needs.parts_for(parts))) == set()


def test_the_shared_stack_is_granted_nothing_that_it_does_not_need(stack: SharedStack) -> None:
    needed = needed_for(set(stack.plan(**EVERYTHING)))
    shared = chain.from_iterable(chain.from_iterable(NEEDS[part].grants.values()) for part in SHARED_PARTS)
    assert set(shared) - needed == set()


def test_workstations_are_granted_what_terraform_and_the_worker_do() -> None:
    text = "\n".join(file.read_text() for file in (REPOSITORY / "terraform" / "modules").glob("compute*/*.tf"))
    types = set(re.findall(r'^resource "(\w+)"', text, re.MULTILINE))
    asked = every(chain.from_iterable(FACTS["worker"].values()))
    needed = set(chain.from_iterable(every(FACTS["types"][type_]) for type_ in types)) | asked
    # Whether machines may be given their account is granted on that account, and asked of Google apart.
    assert granted(set()) == needed


def test_every_permission_is_in_the_role_that_is_to_bring_it() -> None:
    missing = [
        (part, role, permission)
        for part, need in NEEDS.items()
        for role, permissions in need.grants.items()
        for permission in permissions
        if not any(fnmatchcase(permission, pattern) for pattern in every(FACTS["roles"][role]))
    ]
    assert missing == []


def test_access_comes_with_every_other_part() -> None:
    assert google_needs.parts_for([]) == (WORKSTATIONS,)
    assert google_needs.parts_for(["sql", "storage"]) == (WORKSTATIONS, ACCESS, "storage", "sql")


def test_facts_name_only_types_that_are_made() -> None:
    made = {
        type_
        for file in (REPOSITORY / "terraform").rglob("*.tf")
        for type_ in re.findall(r'^resource "(\w+)"', file.read_text(), re.MULTILINE)
    }
    bootstrap_alone = {"google_project_iam_custom_role"}
    assert set(FACTS["types"]) == made - bootstrap_alone
    assert json.dumps(sorted(SWITCHES)) == json.dumps(sorted(SHARED_PARTS))
