"""Real Terraform, no cloud: what `init`, `validate` and `test` say."""

from pathlib import Path

import pytest

from tests.emulator.provider.workspace import Workspace

BROKEN = {
    "unknown attribute": ("machine_type  ", "machine_typ  ", "Unsupported argument"),
    "unknown block": ("  scheduling {", "  schedulin {", "Unsupported block type"),
    "unknown resource type": ('"google_compute_address" "ip"', '"google_compute_addres" "ip"', "Invalid resource type"),
    "missing argument": ('  network       = "default"\n', "", 'The argument "network" is required'),
    "missing block": ("  replication {\n    auto {}\n  }\n", "", "replication"),
    "list for a string": ('  name   = "dev-ip"', '  name   = ["dev-ip"]', "string required"),
    "text for a number": ("= var.disk_size_gb", '= "big"', "a number is required"),
    "two of a single block": ("  scheduling {", "  scheduling {}\n  scheduling {", "Too many scheduling blocks"),
    "reference to no attribute": (
        "google_compute_address.ip.address\n    }",
        "google_compute_address.ip.adress\n    }",
        "Unsupported attribute",
    ),
    "computed argument": ('  name   = "dev-ip"', '  name = "dev-ip"\n  self_link = "x"', "unconfigurable attribute"),
    "id argument": ('  name   = "dev-ip"', '  name = "dev-ip"\n  id = "x"', "unconfigurable attribute"),
    "choice": (
        '  name   = "dev-ip"',
        '  name = "dev-ip"\n  address_type = "INSIDE"',
        'expected address_type to be one of ["INTERNAL" "EXTERNAL"], got INSIDE',
    ),
    "nested choice": ('device_name = "home"', 'device_name = "home"\n    mode = "RW"', "expected mode to be one of"),
    "name pattern": ('"dev-ip"', '"Dev_IP"', '"name" ("Dev_IP") doesn\'t match regexp'),
    "conflict": (
        '  source_ranges = ["198.51.100.0/24"]',
        '  source_ranges = ["198.51.100.0/24"]\n  source_tags = ["a"]\n  target_service_accounts = ["b@example.com"]',
        "Conflicting configuration arguments",
    ),
    "exactly one of": ("  allow {", '  deny {\n    protocol = "udp"\n  }\n\n  allow {', "only one of `allow,deny`"),
    "required with": ('  secret_data_wo_version = "1"\n', "", "all of `secret_data_wo,secret_data_wo_version`"),
    "empty scheduling": ('    on_host_maintenance = "TERMINATE"\n', "", "Invalid combination of arguments"),
}


def test_the_root_is_valid(workspace: Workspace) -> None:
    assert "The configuration is valid" in workspace.run("validate")


def test_both_versions_stand_side_by_side(terraform: list[str], mirror: Path, tmp_path: Path) -> None:
    older = Workspace(terraform, tmp_path, mirror, version="7.45.0")
    older.write_root()
    assert "Installing hashicorp/google v7.45.0" in older.run("init")
    assert "The configuration is valid" in older.run("validate")


@pytest.mark.parametrize("mistake", BROKEN)
def test_a_broken_module_is_refused(workspace: Workspace, mistake: str) -> None:
    right, wrong, told = BROKEN[mistake]
    workspace.replace(right, wrong)
    assert told in workspace.run("validate", exits=1)


def test_terraform_test_passes_with_mocks_and_without(workspace: Workspace) -> None:
    assert "2 passed, 0 failed" in workspace.run("test")


def test_the_plugins_own_tls_works(workspace: Workspace) -> None:
    del workspace.environment["TF_DISABLE_PLUGIN_TLS"]
    assert "6 to add" in workspace.run("plan")


def test_a_project_must_come_from_somewhere(workspace: Workspace) -> None:
    workspace.replace('  project = "demo"\n', "")
    assert "project: required field is not set" in workspace.apply(exits=1)


def test_an_import_needs_a_cloud(workspace: Workspace) -> None:
    output = workspace.run("import", "google_compute_address.ip", "dev-ip", exits=1)
    assert "There is no cloud to import from" in output
