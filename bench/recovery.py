"""How soon a state is safe, a cancel is heard, and a dead worker's run goes on."""

import json
import os
import signal
import tempfile
import threading
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg

from bench.report import Figure, percentile
from tests.portal_process import ApiUser, PortalProcess, worker_pid

CREATES = 20
CANCELS = 5
DEATHS = 3
LOOK_SECONDS = 0.01


def measure() -> list[Figure]:
    """With a second's latency at the emulator, so that there is a middle to be measured in."""
    with tempfile.TemporaryDirectory() as name:
        portal = PortalProcess(Path(name) / "data", {"EMULATOR_LATENCY": "1"})
        portal.start()
        try:
            grace = ApiUser(portal, "grace@example.com")
            return [_stored(portal, grace), _told(grace), *_found(portal, grace)]
        finally:
            portal.stop()


class Watch(threading.Thread):
    """Notes when each whole state was first there in the run folders: (lineage, serial) → time."""

    def __init__(self, runs: Path) -> None:
        super().__init__(daemon=True)
        self._runs, self._ended = runs, threading.Event()
        self.written: dict[tuple[str, int], float] = {}

    def run(self) -> None:
        """Look until stopped."""
        while not self._ended.wait(LOOK_SECONDS):
            for file in self._runs.glob("*/work/terraform.tfstate"):
                try:
                    at, state = file.stat().st_mtime, json.loads(file.read_bytes())
                except (FileNotFoundError, ValueError):
                    continue
                self.written.setdefault((state["lineage"], state["serial"]), at)

    def stop(self) -> None:
        """No more looks."""
        self._ended.set()
        self.join()


def _stored(portal: PortalProcess, grace: ApiUser) -> Figure:
    watch = Watch(portal.folder / "worker" / "runs")
    watch.start()
    made = [grace.create(f"stored-{number}")["id"] for number in range(CREATES)]
    for workstation_id in made:
        grace.wait(workstation_id, "running", seconds=300)
    watch.stop()
    with psycopg.connect(portal.up["DATABASE_URL"]) as connection:
        rows = connection.execute("SELECT lineage, serial, created_at FROM state_versions").fetchall()
    stored = {(lineage, serial): at.timestamp() for lineage, serial, at in rows}
    lags = [1000 * (stored[key] - at) for key, at in watch.written.items() if key in stored]
    return Figure(f"state written to stored, p99 of {len(lags)}", percentile(lags, 99), 400, "ms")


def _told(grace: ApiUser) -> Figure:
    took = []
    for number in range(CANCELS):
        made = grace.create(f"told-{number}")
        _line(grace, made["run_id"], "Creating...")
        asked = time.time()
        answer = grace.call("POST", f"/api/v1/runs/{made['run_id']}/cancel", {"mode": "now"})
        assert answer.status == 200, answer.text
        took.append(_at(_line(grace, made["run_id"], "Asked Terraform to stop.")) - asked)
        grace.wait(made["id"], "destroyed", seconds=300)
    return Figure(f"cancel to Terraform told, worst of {CANCELS}", max(took), 1.0, "s")


def _found(portal: PortalProcess, grace: ApiUser) -> list[Figure]:
    found, final = [], []
    for number in range(DEATHS):
        made = grace.create(f"found-{number}")
        _line(grace, made["run_id"], "Creating...")
        killed = time.time()
        os.kill(worker_pid(portal), signal.SIGKILL)
        found.append(_at(_line(grace, made["run_id"], "The worker was lost")) - killed)
        grace.wait(made["id"], "running", seconds=300)
        ended = grace.call("GET", f"/api/v1/runs/{made['run_id']}").json["finished_at"]
        final.append(datetime.fromisoformat(ended).timestamp() - killed)
    return [
        Figure(f"dead worker found and its run claimed, worst of {DEATHS}", max(found), 15, "s"),
        Figure(f"dead worker's run final, worst of {DEATHS}", max(final), 60, "s"),
    ]


def _line(grace: ApiUser, run_id: str, words: str) -> dict[str, Any]:
    """The first line of the log with these words in it, once it is there."""
    while True:
        for line in grace.call("GET", f"/api/v1/runs/{run_id}/log").text.splitlines():
            if words in line:
                return dict(json.loads(line))
        time.sleep(0.05)


def _at(line: dict[str, Any]) -> float:
    return datetime.fromisoformat(line["at"]).timestamp()
