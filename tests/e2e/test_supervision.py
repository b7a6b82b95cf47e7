"""`stationmaster up` and what it starts: killed, frozen, started twice, started with signals ignored."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import psutil
import pytest

from tests.e2e.family import family, line, named
from tests.portal_process import STATIONMASTER, ApiUser, PortalProcess

BACK_WITHIN_S = 10.0
ENDS_WITHIN_S = 10.0
CANARY = "CANARY_OF_THE_OPERATORS_SHELL"
IGNORING = """
import os, signal, sys
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
    signal.signal(number, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGCHLD})
os.execv(sys.argv[1], sys.argv[1:])
"""


@pytest.fixture(scope="module")
def whole_portal(tmp_path_factory: pytest.TempPathFactory) -> PortalProcess:
    return PortalProcess(tmp_path_factory.mktemp("up") / "data", {CANARY: "sings", "EMULATOR_LATENCY": "0.5"})


@pytest.fixture
def portal(whole_portal: PortalProcess) -> Iterator[PortalProcess]:
    """Started again after whatever the test before has done to it, with the same data."""
    if whole_portal.process is None or whole_portal.process.poll() is not None:
        whole_portal.start()
    yield whole_portal
    if "up" not in named(whole_portal) and whole_portal.process:
        whole_portal.process.kill()
        whole_portal.process.wait()


@pytest.fixture(scope="module", autouse=True)
def _stop(whole_portal: PortalProcess) -> Iterator[None]:
    yield
    if whole_portal.process and whole_portal.process.poll() is None:
        assert whole_portal.stop() == 0


def until(condition: Callable[[], object], seconds: float, complaint: object = "") -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, complaint
        time.sleep(0.05)


def is_ready(portal: PortalProcess) -> bool:
    try:
        return portal.request("GET", "/readyz").status == 200
    except OSError:
        return False


def are_gone(processes: list[psutil.Process]) -> bool:
    return not any(line(each) for each in processes)


def test_a_killed_database_is_back_and_everything_goes_on(portal: PortalProcess) -> None:
    grace = ApiUser(portal, "grace@example.com")
    made = grace.create("survivor")
    killed: list[psutil.Process] = []
    while len(killed) < 2:
        killed.append(named(portal)["postgres"])
        killed[-1].kill()
        until(lambda: named(portal).get("postgres", killed[-1]) not in killed, BACK_WITHIN_S)
        until(lambda: is_ready(portal), BACK_WITHIN_S, portal.log_file.read_text())
    assert grace.wait(made["id"], "running", "failed")["status"] == "running"
    grace.wait(grace.create("another")["id"], "running")


def test_no_process_gets_more_environment_than_it_needs(portal: PortalProcess) -> None:
    seen: dict[str, dict[str, str]] = {}
    grace = ApiUser(portal, "grace@example.com")
    made = grace.create("looked-at")

    def are_seen() -> bool:
        for name, process in named(portal).items():
            with suppress(psutil.Error):
                seen[name] = process.environ()
        return {"shim.py", "terraform"} <= set(seen)

    until(are_seen, 60, seen.keys())
    grace.wait(made["id"], "running")

    assert [name for name, environment in seen.items() if CANARY in environment] == ["up"]
    for name in ("postgres", "shim.py", "terraform"):
        assert [each for each in seen[name] if each.startswith(("STATIONMASTER_", "DATABASE_URL"))] == [], name
    assert not any(each.startswith(("GOOGLE_", "TF_")) for each in seen["postgres"])
    assert not any(each.startswith("TF_") for each in seen["web"])
    assert "STATIONMASTER_OIDC_CLIENT_SECRET" in seen["web"]
    assert "STATIONMASTER_OIDC_CLIENT_SECRET" not in seen["worker"]


def start_again(portal: PortalProcess) -> "subprocess.CompletedProcess[str]":
    """In the same folder, at another port, as from another terminal."""
    environment = {**portal.environment, **portal.up, "STATIONMASTER_PORT": "1", "DATABASE_URL": ""}
    command = [str(STATIONMASTER), "up"]
    return subprocess.run(command, env=environment, cwd=portal.folder, capture_output=True, text=True, timeout=100)


def test_a_second_start_in_the_same_folder_says_so_and_writes_nothing(portal: PortalProcess) -> None:
    def files() -> dict[str, int]:
        looked_at = [*portal.folder.iterdir(), *(portal.folder / "postgres").glob("*.*")]
        return {str(path): path.stat().st_mtime_ns for path in looked_at if path.is_file() and path.name != "up.log"}

    before, up = files(), named(portal)["up"]
    refused = start_again(portal)
    assert refused.returncode == 1
    assert f"already running with the data in {portal.folder} (process {up.pid})" in refused.stderr
    assert files() == before


@pytest.mark.long
def test_a_start_waits_for_what_is_left_and_says_so_where_that_does_not_end(portal: PortalProcess) -> None:
    worker = named(portal)["worker"]
    worker.suspend()
    named(portal)["up"].kill()
    refused = start_again(portal)
    worker.kill()
    assert refused.returncode == 1
    left = f"with the data in {portal.folder} has not ended (processes {worker.pid})"
    assert f"An earlier Stationmaster {left}" in refused.stderr


def test_it_ends_in_time_whatever_its_children_do(portal: PortalProcess) -> None:
    up, *others = family(portal)
    for process in others:
        process.suspend()
    up.terminate()
    until(lambda: are_gone([up, *others]), ENDS_WITHIN_S, others)


@pytest.mark.long
def test_it_ends_when_its_terminal_is_closed(portal: PortalProcess) -> None:
    everything = family(portal)
    everything[0].send_signal(signal.SIGHUP)
    until(lambda: are_gone(everything), ENDS_WITHIN_S, everything)


@pytest.mark.long
def test_killed_it_leaves_nothing_behind_and_the_next_start_goes_on(portal: PortalProcess) -> None:
    grace = ApiUser(portal, "grace@example.com")
    made = grace.create("half-made")
    until(lambda: "Creating..." in str(grace.log(made["run_id"])), 60)
    portal_processes = [named(portal)[name] for name in ("up", "web", "worker", "postgres")]
    handles = portal.folder / "postgres" / ".handle_pids.json"
    handles.write_text(json.dumps([portal_processes[0].pid, 4_000_000]))
    portal_processes[0].kill()
    portal.stop()

    portal.start()
    assert are_gone(portal_processes)
    assert not handles.exists()
    grace.wait(made["id"], "running")
    server = named(portal)["postgres"]
    assert portal.stop() == 0
    assert not server.is_running()


@pytest.mark.long
def test_started_with_signals_ignored_and_blocked_it_stops_and_interrupts_as_ever(
    portal: PortalProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    portal.stop()
    command = (sys.executable, "-c", IGNORING, str(STATIONMASTER), "up")
    monkeypatch.setattr(portal, "up_command", command)
    portal.start()
    grace = ApiUser(portal, "grace@example.com")
    made = grace.create("stopped")
    until(lambda: "Creating..." in str(grace.log(made["run_id"])), 60)
    grace.call("POST", f"/api/v1/runs/{made['run_id']}/cancel", {"mode": "now"})
    assert grace.wait_run(made["run_id"], "canceled", "applied")["status"] == "canceled"
    everything = family(portal)
    os.kill(everything[0].pid, signal.SIGTERM)
    until(lambda: are_gone(everything), ENDS_WITHIN_S, portal.log_file.read_text())
    portal.stop()
