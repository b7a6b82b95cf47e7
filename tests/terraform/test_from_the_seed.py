"""Everything that the seed had is in `terraform/`, or docs/from-the-seed.md names what it became."""

import re
from functools import cache

import pytest

from tests.terraform.machine import REPOSITORY

MODULES = [
    "compute-cpu",
    "compute-gpu",
    "cpu-compute-configure",
    "docker-registry",
    "gpu-compute-configure",
    "kubernetes",
    "mlflow",
    "peering",
    "pypi-registry",
    "services",
    "sql",
    "storage",
]
RESOURCES = [
    "google_compute_address.static_ip",
    "google_compute_firewall.allow_ssh",
    "google_compute_firewall.mlflow-access",
    "google_project_iam_binding.this",
    "google_project_iam_member.artifact-reader",
    "google_project_iam_member.artifact-writer",
    "google_secret_manager_secret.credentials",
    "google_secret_manager_secret_version.credentials",
    "google_service_account.artifact-writer",
    "google_service_account.data-storage-admin",
    "google_service_account_key.artifact-writer",
    "google_service_account_key.data-storage-admin",
    "google_storage_bucket_iam_member.compute-data-bucket-object-creator",
    "google_storage_bucket_iam_member.compute-data-bucket-user",
    "google_storage_bucket_iam_member.compute-mlflow-bucket-object-creator",
    "google_storage_bucket_iam_member.compute-mlflow-bucket-user",
    "google_storage_bucket_iam_member.data-storage-admin",
    "google_storage_bucket_iam_member.gke-data-bucket-reader",
    "google_storage_bucket_iam_member.gke-evaluation-bucket-admin",
    "google_storage_bucket_iam_member.gke-mlflow-bucket-object-creator",
    "google_storage_bucket_iam_member.gke-mlflow-bucket-reader",
    "data.google_client_config.default",
    "data.google_compute_network.default",
    "data.google_compute_network.kubernetes",
    "data.google_secret_manager_secret_version.basic",
]
INPUTS = [
    "admins",
    "compute_persistent_disk_size_gb",
    "compute_persistent_disk_type",
    "deploy_cpu_compute",
    "deploy_gpu_compute",
    "gcp_project",
    "gcp_project_id",
    "gcp_region",
    "gcp_zone",
    "mlflow_whitelist_ips",
    "prefix",
    "sql_user",
    "users",
]
OUTPUTS = [
    "compute-cpu",
    "compute-gpu",
    "data-bucket-name",
    "data-bucket-service-account",
    "docker-registry-name",
    "pods_ip_range",
    "pypi-registry-name",
]
TABLES = {
    "Modules": ("module.", MODULES),
    "Resources and data sources": ("", RESOURCES),
    "Inputs": ("var.", INPUTS),
    "Outputs": ("output.", OUTPUTS),
}
EVERY_ROW = [(heading, name) for heading, (_, names) in TABLES.items() for name in names]
BLOCK = re.compile(r'^(module|variable|output|resource|data) "(\w+)"(?: "(\w+)")? \{$', re.MULTILINE)
PREFIXES = {"module": "module.", "variable": "var.", "output": "output.", "resource": "", "data": "data."}


@cache
def names_in_terraform() -> frozenset[str]:
    """`module.sql`, `var.prefix`, `output.address`, `google_compute_firewall.allow_ssh`, `data.TYPE.NAME` …"""
    text = "\n".join(file.read_text() for file in (REPOSITORY / "terraform").rglob("*.tf"))
    return frozenset(
        PREFIXES[kind] + ".".join(label for label in labels if label) for kind, *labels in BLOCK.findall(text)
    )


@cache
def successors(heading: str) -> dict[str, list[str]]:
    """What the page's table under this heading says of each name in its first column."""
    page = (REPOSITORY / "docs" / "from-the-seed.md").read_text()
    section = page.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (`[^|]+) \| ([^|]+) \|", section, re.MULTILINE)
    return {name: re.findall(r"`([^`]+)`", here) for seed, here in rows for name in re.findall(r"`([^`]+)`", seed)}


def exists(name: str) -> bool:
    return name in names_in_terraform() or ("/" in name and (REPOSITORY / name).is_file())


def test_the_tables_are_the_seeds() -> None:
    assert [len(names) for _, names in TABLES.values()] == [12, 25, 13, 7]


@pytest.mark.parametrize(("heading", "name"), EVERY_ROW)
def test_every_row_of_the_seed_is_here_or_has_a_successor(heading: str, name: str) -> None:
    prefix, _ = TABLES[heading]
    assert f"{prefix}{name}" in names_in_terraform() or any(map(exists, successors(heading).get(name, [])))


@pytest.mark.parametrize("heading", TABLES)
def test_the_page_names_the_seeds_rows_and_only_what_exists(heading: str) -> None:
    assert successors(heading).keys() == set(TABLES[heading][1])
    assert [name for names in successors(heading).values() for name in names if not exists(name)] == []
