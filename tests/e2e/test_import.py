"""The seed's terraform.tfvars, brought over: six workstations for three people, and a plan for the shared stack."""

from pathlib import Path

import pytest

from tests.portal_process import ApiUser, PortalProcess

pytestmark = pytest.mark.long
SEED = """\
gcp_project      = "emulated-project"
gcp_project_id   = "emulated-project"
gcp_region       = "europe-west4"
gcp_zone         = "europe-west4-a"
prefix           = "neurips"
sql_user         = "mlflow_user"

admins = [
  "user:ada@example.com",
]

# Everybody's home address.
mlflow_whitelist_ips = ["203.0.113.7", "198.51.100.0/24"]

compute_persistent_disk_size_gb = 100
compute_persistent_disk_type    = "pd-balanced"
deploy_cpu_compute = true
deploy_gpu_compute = true

users = {
  Ada = [
    { machine_type = "n1-standard-8", guest_accelerator = "nvidia-tesla-t4" },
    { machine_type = "n2-standard-4", guest_accelerator = "" },
  ]
  Grace = [
    {
      machine_type      = "g2-standard-8"
      guest_accelerator = "nvidia-l4"
      boot_disk_image   = "deeplearning-platform-release/common-cu113"
      zone              = "europe-west4-b"
    },
  ]
  Linus = [
    { machine_type = "e2-standard-8", guest_accelerator = null },
    { machine_type = "n1-standard-4", guest_accelerator = "nvidia-tesla-v100", ssh_username = "linus" },
  ]
}
"""
PEOPLE = "name,email\nAda,ada@example.com\nGrace,grace@example.com\nLinus,linus@example.com\n"


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, ...]:
    (tmp_path / "terraform.tfvars").write_text(SEED)
    (tmp_path / "people.csv").write_text(PEOPLE)
    return (str(tmp_path / "terraform.tfvars"), "--people", str(tmp_path / "people.csv"), "--yes")


def test_three_peoples_machines_come_up(tmp_path: Path, files: tuple[str, ...]) -> None:
    portal = PortalProcess(tmp_path / "data")
    portal.start()
    try:
        told = portal.command("import-tfvars", *files)
        assert "Imported by ada@example.com: 6 workstations requested" in told
        assert "Nothing to do" in portal.command("import-tfvars", *files)

        machines = {}
        for name in ("ada", "grace", "linus"):
            user = ApiUser(portal, f"{name}@example.com")
            listed = user.call("GET", "/api/v1/workstations").json["items"]
            machines[name] = [user.wait(each["id"], "running", seconds=180) for each in listed]
        assert {name: sorted(each["name"] for each in owned) for name, owned in machines.items()} == {
            name: ["cpu-1", "gpu-1"] for name in ("ada", "grace", "linus")
        }
        assert len(portal.cloud_objects("/instances/")) == 6

        ada = ApiUser(portal, "ada@example.com")
        # The very same request joins the run that waits.
        shared = ada.call("PATCH", "/api/v1/shared-stack", {}).json
        waiting = ada.wait_run(shared["id"], "awaiting_approval")
        assert 'google_project_iam_member.admin["user:ada@example.com"]' in str(waiting["plan"])
    finally:
        assert portal.stop() == 0, portal.log_file.read_text()
