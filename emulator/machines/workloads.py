"""What a machine is made to do: the files below its /proc and what nvidia-smi says, which its agent measures.

The counters go on by themselves, because the emulator advances them (`advance`).
"""

import json
import os
import shutil
import time
from dataclasses import asdict, dataclass
from pathlib import Path

_HERTZ = os.sysconf("SC_CLK_TCK")
_HOURS_UP = 6
_FILE, _COUNTERS = "workload.json", "counters.json"
_SHELL, _SERVER, _JOB = "401", "400", "4242"


@dataclass(frozen=True)
class Workload:
    """What goes on, apart from who is logged in."""

    cpu: float = 1.0
    """Percent of all cores."""
    gpu: int = 0
    """The most of the last 14 seconds, in percent."""
    gpu_memory: int = 0
    """MiB."""
    received: int = 200
    """Bytes a second, as the others."""
    read: int = 0
    written: int = 4096
    job: str = ""
    """The name of a process."""
    job_cpu: float = 0.0
    """Percent of one core."""
    arguments: str = ""
    uses_gpu: bool = False
    in_tmux: bool = False


KILL, LIE = "kill-agent", "lie"
NONSENSE = '{"at": "tomorrow", "cpu": -1e999, "gpus": [{"use": "very"}], "minutes": [[0, 500]]}'
WORKLOADS = {
    "rest": Workload(),
    "train": Workload(
        38, 97, 18_000, read=40_000_000, job="python3", job_cpu=180, arguments="python3 train.py", uses_gpu=True
    ),
    "train-silently": Workload(2, 99, 18_000, job="python3", job_cpu=6, arguments="python3 train.py", uses_gpu=True),
    "notebook": Workload(
        1, 0, 657, job="python3", arguments="python3 -m ipykernel_launcher -f kernel.json", uses_gpu=True
    ),
    "download": Workload(3, received=60_000_000, written=60_000_000, job="wget", job_cpu=4, arguments="wget big.tar"),
    "tmux-job": Workload(1, job="preprocess", job_cpu=1, arguments="preprocess --all", in_tmux=True),
}
MEANINGS = {
    "rest": "running machines have nothing to do",
    "train": "running machines train a model: their GPU and CPU are busy",
    "train-silently": "running machines train in short bursts: their GPU is busy for a moment in each five seconds",
    "notebook": "a notebook is open in running machines, which holds memory of the GPU and computes nothing",
    "download": "running machines download a file",
    "tmux-job": "a job runs in tmux in running machines, which hardly needs the CPU",
    KILL: "the agent of running machines ends, and does not come back before the next boot",
    LIE: "the agent of running machines ends, and nonsense stands in its place",
}
"""Workload, or what becomes of the agent → its meaning, for the emulator's page."""


def boot(machine: Path) -> None:
    """A machine begins to count anew, and rests. `machine` is its folder MACHINE on the boot disk."""
    proc = machine / "proc"
    (proc / "net").mkdir(parents=True, exist_ok=True, mode=0o700)
    (machine / _COUNTERS).write_text(json.dumps({"at": time.time(), "began": time.time()}))
    start(machine, "rest")


def start(machine: Path, name: str) -> None:
    """From now on it does this."""
    advance(machine)
    (machine / _FILE).write_text(json.dumps(asdict(WORKLOADS[name])))
    advance(machine)


def advance(machine: Path) -> None:
    """Write the counters as of now."""
    file, workload = machine / _COUNTERS, _of(machine)
    counts, now = json.loads(file.read_text()), time.time()
    seconds, counts["at"] = now - counts["at"], now
    rates = {
        "busy": 4 * _HERTZ * workload.cpu / 100,
        "idle": 4 * _HERTZ * (1 - workload.cpu / 100),
        "job": _HERTZ * workload.job_cpu / 100,
        "received": workload.received,
        "sent": workload.received / 50,
        "read": workload.read,
        "written": workload.written,
    }
    counts |= {name: counts.get(name, 0) + rate * seconds for name, rate in rates.items()}
    file.write_text(json.dumps(counts))
    _write_proc(machine / "proc", workload, {name: int(count) for name, count in counts.items()})
    gpu = f"{workload.gpu} {workload.gpu_memory} {_JOB if workload.uses_gpu else ''}\n"
    (machine / "gpu").write_text(gpu)


def _of(machine: Path) -> Workload:
    file = machine / _FILE
    return Workload(**json.loads(file.read_text())) if file.exists() else Workload()


def _write_proc(proc: Path, workload: Workload, counts: dict[str, int]) -> None:
    uptime = counts["at"] - counts["began"] + 3600 * _HOURS_UP + 600
    (proc / "uptime").write_text(f"{uptime}.00 0.00\n")
    (proc / "stat").write_text(f"cpu  {counts['busy']} 0 0 {counts['idle']} 0 0 0 0 0 0\n")
    (proc / "loadavg").write_text(f"{4 * workload.cpu / 100:.2f} 0.00 0.00 1/99 4242\n")
    sectors = f"0 0 {counts['read'] // 512} 0 0 0 {counts['written'] // 512} 0 0 0 0"
    (proc / "diskstats").write_text(f"   8       0 sda {sectors}\n   8       1 sda1 {sectors}\n")
    lines = "Inter-|   Receive                |  Transmit\n face |bytes    packets errs drop fifo frame\n"
    lines += "    lo: 9999 0 0 0 0 0 0 0 9999 0 0 0 0 0 0 0\n"
    (proc / "net/dev").write_text(f"{lines}  ens4: {counts['received']} 0 0 0 0 0 0 0 {counts['sent']} 0 0 0 0 0 0 0\n")
    _write_processes(proc, workload, counts["job"])


def _write_processes(proc: Path, workload: Workload, ticks: int) -> None:
    processes = {"1": ("systemd", "0", 9, "/sbin/init")}
    if workload.in_tmux:
        processes |= {_SERVER: ("tmux: server", "1", 5, "tmux"), _SHELL: ("bash", _SERVER, 1, "-bash")}
    if workload.job:
        processes[_JOB] = (workload.job, _SHELL if workload.in_tmux else "1", ticks, workload.arguments)
    for pid in {_SHELL, _SERVER, _JOB} - set(processes):
        shutil.rmtree(proc / pid, ignore_errors=True)
    for pid, (name, parent, spent, arguments) in processes.items():
        folder = proc / pid
        folder.mkdir(exist_ok=True, mode=0o700)
        (folder / "stat").write_text(f"{pid} ({name}) S {parent} 0 0 0 -1 0 0 0 0 0 {spent} 0 0 0 20 0 1 0 60000 0 0\n")
        (folder / "cmdline").write_text(arguments.replace(" ", "\0"))
        (folder / "io").write_text(f"rchar: {1000 * spent}\nwchar: {10 * spent}\n")
