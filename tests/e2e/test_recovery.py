"""A worker that dies: `up` starts another, and the run goes on where Terraform is."""

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.portal_process import ApiUser, PortalProcess, running_portal, worker_pid


def portal_log(user: ApiUser) -> str:
    return user.portal.log_file.read_text()[-5000:]


def until_log_says(user: ApiUser, run_id: str, text: str) -> None:
    deadline = time.monotonic() + 120
    while text not in user.call("GET", f"/api/v1/runs/{run_id}/log").text:
        assert time.monotonic() < deadline, portal_log(user)
        time.sleep(0.1)


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[PortalProcess]:
    """With honest latencies, so that there is a middle to be killed in; in a folder whose path is as long as any."""
    with running_portal(tmp_path / ("deep-" * 12) / "data", {"EMULATOR_LATENCY": "1"}) as portal:
        yield portal


def test_a_worker_killed_in_mid_apply_loses_and_doubles_nothing(portal: PortalProcess) -> None:
    grace = ApiUser(portal, "grace@example.com")
    made = grace.create("survivor")
    until_log_says(grace, made["run_id"], "google_compute_instance.workstation: Creating...")
    before = worker_pid(portal)
    os.kill(before, signal.SIGKILL)

    running = grace.wait(made["id"], "running", "failed")
    run = grace.call("GET", f"/api/v1/runs/{made['run_id']}").json
    assert (running["status"], run["status"], run["attempt"]) == ("running", "applied", 2)
    assert worker_pid(portal) != before
    log = grace.call("GET", f"/api/v1/runs/{run['id']}/log").text
    numbers = [json.loads(line)["seq"] for line in log.splitlines()]
    assert numbers == list(range(1, len(numbers) + 1))
    instances = [each for each in portal.cloud_objects("survivor") if "/instances/" in each]
    assert len(instances) == 1

    destroyed = grace.call("DELETE", f"/api/v1/workstations/{made['id']}").json
    grace.wait(made["id"], "destroyed")
    assert grace.call("GET", f"/api/v1/runs/{destroyed['run_id']}").json["status"] == "applied"
    assert portal.cloud_objects("survivor") == []
