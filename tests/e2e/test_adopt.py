"""Adoption: what the seed's Terraform left at Google comes into the portal's states, and nothing of it is replaced."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.infra import terraform
from tests.portal_process import STATIONMASTER, ApiUser, PortalProcess

pytestmark = pytest.mark.long
SEED = """
terraform {
  required_providers {
    google = { source = "hashicorp/google", version = "8.7.0" }
  }
}
provider "google" {
  project = "pocket-project"
  region  = "europe-west4"
  zone    = "europe-west4-a"
}
resource "google_compute_disk" "data" {
  name  = "persistent-disk-grace"
  size  = 150
  type  = "pd-ssd"
  image = "ubuntu-os-cloud/ubuntu-2404-lts-amd64"
}
resource "google_compute_address" "ip" {
  name = "static-ip-grace"
}
resource "google_storage_bucket" "data" {
  name                        = "data-neurips"
  location                    = "%s"
  uniform_bucket_level_access = true
  versioning { enabled = true }
}
resource "google_artifact_registry_repository" "docker" {
  location      = "europe-west4"
  repository_id = "container-registry-neurips"
  format        = "DOCKER"
}
"""
WITHOUT_THE_REST = {
    "prefix": "neurips",
    **dict.fromkeys(("enable_services", "deploy_sql", "deploy_mlflow", "deploy_pypi_registry"), False),
}


class Admin:
    """Ada, with a portal and a project in which the seed has been at work."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.portal = PortalProcess(folder / "data")

    def begin(self, bucket_location: str = "europe-west4") -> None:
        self.portal.start()
        self.api = ApiUser(self.portal, "ada@example.com")
        seed = self.folder / "seed"
        seed.mkdir()
        (seed / "main.tf").write_text(SEED % bucket_location)
        reaches_google = {name: value for name, value in self.portal.up.items() if name.startswith(("GOOGLE_", "TF_"))}
        for command in (["init"], ["apply", "-auto-approve"]):
            done = subprocess.run(
                [*terraform.executable(""), *command, "-no-color"],
                cwd=seed,
                env={"PATH": os.environ["PATH"], "HOME": str(self.folder), "CHECKPOINT_DISABLE": "1", **reaches_google},
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stdout + done.stderr

    def numbers(self) -> dict[str, str]:
        """Id → the number that Google gave it when it was made."""
        return {each["id"]: each["number"] for each in self.portal.cloud("GET", "/_emulator/objects")}

    def refused(self, *arguments: str) -> str:
        done = subprocess.run(
            [str(STATIONMASTER), *arguments],
            env=self.portal.environment,
            cwd=self.portal.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 1, done.stdout
        return done.stderr

    def spec(self) -> dict[str, Any]:
        return dict(self.api.call("PATCH", "/api/v1/shared-stack", {"settings": WITHOUT_THE_REST}).json)


@pytest.fixture
def admin(tmp_path: Path) -> Iterator[Admin]:
    admin = Admin(tmp_path)
    yield admin
    assert admin.portal.stop() == 0, admin.portal.log_file.read_text()


def test_what_is_shared_is_taken_over_and_stays(admin: Admin) -> None:
    admin.begin()
    before = admin.numbers()
    waiting = admin.spec()
    admin.api.wait_run(waiting["id"], "awaiting_approval")

    told = admin.portal.command("adopt", "shared", "--yes")
    assert "Adopted: 2." in told
    assert admin.numbers() == before

    assert admin.api.run(waiting["id"])["status"] == "superseded"
    again = admin.spec()
    planned = admin.api.wait_run(again["id"], "awaiting_approval")
    actions = {change["address"]: change["action"] for change in planned["plan"]}
    assert actions['module.storage[0].google_storage_bucket.versioned["data"]'] == "update"
    assert actions["module.docker_registry[0].google_artifact_registry_repository.this"] == "update"
    assert not {"delete", "replace"} & set(actions.values())
    admin.api.call("POST", f"/api/v1/runs/{again['id']}/approve", {})
    admin.api.wait_run(again["id"], "applied")
    after = admin.numbers()
    assert {id_: after.get(id_) for id_ in before} == before


def test_what_would_be_replaced_is_refused_with_the_reason(admin: Admin) -> None:
    admin.begin("us-central1")
    admin.api.wait_run(admin.spec()["id"], "awaiting_approval")
    told = admin.refused("adopt", "shared", "--yes")
    assert "data-neurips would be replaced, because it differs in location" in told
    admin.api.wait_run(admin.spec()["id"], "awaiting_approval")


def test_a_disk_gets_a_workstation_around_it(admin: Admin) -> None:
    admin.begin()
    before = admin.numbers()
    desired = ["--owner", "grace@example.com", "--name", "gpu-1", "--machine-type", "g2-standard-8"]
    assert "not found" in admin.refused("adopt", "disk", "persistent-disk-nobody", *desired, "--yes")
    told = admin.portal.command(
        "adopt", "disk", "persistent-disk-grace", *desired, "--address", "static-ip-grace", "--yes"
    )
    assert "Adopted." in told
    grace = ApiUser(admin.portal, "grace@example.com")
    [made] = grace.call("GET", "/api/v1/workstations").json["items"]
    machine = grace.wait(made["id"], "running", seconds=120)
    assert (machine["disk_size_gb"], machine["disk_type"]) == (150, "pd-ssd")
    after = admin.numbers()
    assert {id_: after.get(id_) for id_ in before} == before
    [instance] = admin.portal.cloud("GET", "/_emulator/objects?type=google_compute_instance")
    assert "persistent-disk-grace" in json.dumps(instance["state"])
    assert not admin.portal.cloud_objects("-home")

    run = grace.call("DELETE", f"/api/v1/workstations/{made['id']}?keep_disk=true").json["run_id"]
    grace.wait_run(run, "applied")
    assert any(id_.endswith("/persistent-disk-grace") for id_ in admin.numbers())


def test_a_disk_that_another_workstation_has_kept_is_refused(admin: Admin) -> None:
    admin.begin()
    grace = ApiUser(admin.portal, "grace@example.com")
    made = grace.create("kept")
    grace.wait(made["id"], "running", seconds=120)
    run = grace.call("DELETE", f"/api/v1/workstations/{made['id']}?keep_disk=true").json["run_id"]
    grace.wait_run(run, "applied")
    before = admin.portal.cloud("GET", "/_emulator/objects?type=google_compute_disk")
    desired = ["--owner", "grace@example.com", "--name", "taken", "--machine-type", "e2-standard-4", "--yes"]
    told = admin.refused("adopt", "disk", f"kept-{made['id']}-home", *desired)
    assert "belongs to another stack of a portal" in told
    assert admin.portal.cloud("GET", "/_emulator/objects?type=google_compute_disk") == before
