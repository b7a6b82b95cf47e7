"""From a fresh clone to a ready portal: `make run` in an empty home, then once more."""

import os
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from bench.report import Figure
from tests.portal_process import ROOT, free_port


def measure() -> list[Figure]:
    """Clone, run, stop, run again; nothing of this checkout's set-up or of the user's caches is used."""
    with tempfile.TemporaryDirectory() as folder:
        clone, home = Path(folder, "clone"), Path(folder, "home")
        home.mkdir()
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        first, second = _seconds_until_ready(clone, home), _seconds_until_ready(clone, home)
    return [
        Figure("make run, the first time in an empty home", first, 60, "s"),
        Figure("make run, the second time", second, 5, "s"),
    ]


def _seconds_until_ready(clone: Path, home: Path) -> float:
    kept = {name: os.environ[name] for name in os.environ if name.startswith(("PIP_", "SSL_", "UV_")) or name == "PATH"}
    kept["PATH"] = os.pathsep.join(part for part in kept["PATH"].split(os.pathsep) if ".venv" not in part)
    began = time.perf_counter()
    process = subprocess.Popen(
        ["make", "run", f"PORT={free_port()}"],
        cwd=clone,
        env={**kept, "HOME": str(home), "EMULATOR_LATENCY": "0"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=(clone / "stderr.log").open("ab"),
        text=True,
        start_new_session=True,
    )
    try:
        for line in process.stdout or ():
            if line.startswith("Stationmaster is ready at "):
                return time.perf_counter() - began
        raise AssertionError(f"the portal did not start:\n{(clone / 'stderr.log').read_text()[-3000:]}")
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.wait(60)
