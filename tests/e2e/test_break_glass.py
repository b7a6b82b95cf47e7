"""Break glass: a stack is checked out, changed by hand with the real Terraform, and checked in."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from app.infra import terraform
from tests.portal_process import STATIONMASTER, ApiUser, PortalProcess


class Admin:
    """Ada at a terminal of her own."""

    def __init__(self, portal: PortalProcess, folder: Path) -> None:
        self.portal, self.folder = portal, folder
        portal.command("token", "create", "ada@example.com")

    def checkout(self, stack_id: str) -> str:
        return self.portal.command("stack", "checkout", stack_id, str(self.folder))

    def terraform(self, *arguments: str) -> str:
        """As somebody does who reads what checkout printed: take the environment, then run Terraform."""
        command = " ".join([*terraform.executable(""), *arguments])
        done = subprocess.run(
            ["sh", "-ec", f". ../environment; exec {command}"],
            cwd=self.folder / "workstation",
            env={"PATH": os.environ["PATH"], "HOME": str(self.folder.parent), "CHECKPOINT_DISABLE": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def spec(self, **variables: object) -> None:
        file = self.folder / "workstation" / "terraform.tfvars.json"
        file.write_text(json.dumps({**json.loads(file.read_text()), **variables}))

    def checkin(self, *options: str) -> str:
        return self.portal.command("stack", "checkin", str(self.folder), *options)

    def refused(self, *arguments: str) -> str:
        """What a command that must fail says."""
        done = subprocess.run(
            [str(STATIONMASTER), *arguments],
            env=self.portal.environment,
            cwd=self.portal.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 1
        return done.stderr


pytestmark = pytest.mark.long


@pytest.fixture
def admin(portal: PortalProcess, tmp_path: Path) -> Admin:
    return Admin(portal, tmp_path / "by-hand")


def check(user: ApiUser, workstation_id: str) -> str:
    """Ask for the very same machine once more; returns the run's id."""
    return str(user.call("PATCH", f"/api/v1/workstations/{workstation_id}", {}).json["run_id"])


def test_what_was_done_by_hand_is_the_portals_after_checkin(admin: Admin, grace_api: ApiUser) -> None:
    made = grace_api.create("by-hand")
    grace_api.wait(made["id"], "running")
    told = admin.checkout(made["id"])
    assert f"stationmaster stack checkin {admin.folder}" in told
    assert "No changes" in admin.terraform("plan", "-no-color")

    queued = check(grace_api, made["id"])
    assert grace_api.run(queued)["status"] == "queued"
    assert "must end first" in admin.refused("stack", "checkout", made["id"], str(admin.folder) + "-too")
    admin.spec(disk_size_gb=120, machine_type="e2-standard-8")
    admin.terraform("apply", "-auto-approve")
    assert "Checked in by" in admin.checkin()

    grace_api.wait_run(queued, "no_changes")
    machine = grace_api.call("GET", f"/api/v1/workstations/{made['id']}").json
    assert (machine["status"], machine["disk_size_gb"], machine["machine_type"]) == ("running", 120, "e2-standard-8")
    grace_api.wait_run(check(grace_api, made["id"]), "no_changes")
    assert not list(admin.folder.rglob("*.tfstate*"))


def test_what_no_state_knows_is_listed(admin: Admin, portal: PortalProcess, grace_api: ApiUser) -> None:
    made = grace_api.create("half-known")
    grace_api.wait(made["id"], "running")
    assert made["id"] not in portal.command("stack", "list-orphans")

    admin.checkout(made["id"])
    admin.terraform("state", "rm", "module.compute[0].google_compute_instance.workstation")
    assert made["id"] not in portal.command("stack", "list-orphans")
    admin.checkin()

    found = portal.command("stack", "list-orphans")
    instances = [each for each in portal.cloud_objects("half-known") if "/instances/" in each]
    assert [line.split()[:3] for line in found.splitlines()[1:]] == [[instances[0], made["id"], "grace"]]
    assert "half-known (" in found
