"""The agent's measurements, of a made-up /proc, nvidia-smi and who; and that it tells what it measured."""

import importlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from app.models.activity import MEASURES, Activity
from tests.terraform.machine import MODULE, STAND_IN

PARTS = ("agent_readings", "agent_gpus", "agent_portal", "agent_notices", "agent")
SAMPLES = """
Attached GPUs                             : 1
GPU 00000000:04:00.0
    Utilization
        GPU                               : 0 %
    GPU Utilization Samples
        Duration                          : {duration}
        Number of Samples                 : 71
        Max                               : {most}
        Min                               : 0 %
        Avg                               : 6 %
    Memory Utilization Samples
        Duration                          : 14.00 sec
        Max                               : 5 %
"""
PATIENCE_SECONDS = 120


class Workshop:
    """A machine's files, and the agent's modules that read them."""

    def __init__(self, folder: Path, agent: ModuleType) -> None:
        self.folder, self.agent, self.now = folder, agent, 1_772_000_000.0
        self.counters()

    def write(self, name: str, text: str) -> None:
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def counters(self, *, busy: int = 0, idle: int = 0, read: int = 0, received: int = 0) -> None:
        """CPU in ticks, sectors read and bytes received since the boot."""
        self.write("proc/uptime", "22000.00 0\n")
        self.write("proc/stat", f"cpu  {busy} 0 0 {idle} 0 0 0 0 0 0\ncpu0 1 1\n")
        self.write("proc/loadavg", "0.52 0.10 0.00 1/99 4242\n")
        self.write("proc/meminfo", "MemTotal: 1000 kB\nMemFree: 1 kB\nMemAvailable: 250 kB\n")
        disks = {"sda": read, "sda1": read, "loop0": 9999}
        lines = (f"   8 0 {name} 1 0 {count} 0 1 0 0 0 0 0 0\n" for name, count in disks.items())
        self.write("proc/diskstats", "".join(lines))
        cards = {"ens4": received, "lo": 77777, "docker0": 7777}
        rows = (f"  {name}: {count} 1 0 0 0 0 0 0 0 1\n" for name, count in cards.items())
        self.write("proc/net/dev", "Inter-| Receive\n face |bytes\n" + "".join(rows))

    def process(
        self, pid: int, name: str, parent: int = 1, *, ticks: int = 0, arguments: str = "", io: int = 0
    ) -> None:
        fields = f"S {parent} 0 0 0 -1 0 0 0 0 0 {ticks} 0 0 0 20 0 1 0 40000 0 0"
        self.write(f"proc/{pid}/stat", f"{pid} ({name}) {fields}\n")
        self.write(f"proc/{pid}/cmdline", arguments.replace(" ", "\0"))
        self.write(f"proc/{pid}/io", f"rchar: {io}\nwchar: 0\n")

    def command(self, name: str, text: str) -> None:
        """A program that prints this."""
        self.write(f"bin/{name}", f"#!/bin/sh\n{text}\n")
        (self.folder / "bin" / name).chmod(0o755)

    def has_gpu(self, most: str = "0 %", duration: str = "14.00 sec", *, process: str = "") -> None:
        self.write("pci/0000:00:04.0/vendor", "0x10de\n")
        self.write("samples", SAMPLES.format(most=most, duration=duration))
        apps = f"echo GPU-1, {process}" if process else ":"
        self.command(
            "nvidia-smi",
            f'case "$1" in -q) cat {self.folder}/samples ;; *gpu=*) echo GPU-1, 648, 143771 ;; *) {apps} ;; esac',
        )

    def reading(self, seconds: float = 60) -> Any:
        self.now += seconds
        return self.agent.Reading()

    def watch(self) -> Any:
        return importlib.import_module("agent_gpus").GpuWatch()


@pytest.fixture
def workshop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workshop]:
    for name in ("bin", "pci", "proc"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("STATIONMASTER_PROC", str(tmp_path / "proc"))
    monkeypatch.setenv("STATIONMASTER_PCI_DEVICES", str(tmp_path / "pci"))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.syspath_prepend(str(MODULE))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    shop = Workshop(tmp_path, importlib.import_module("agent"))
    shop.command("who", "true")
    monkeypatch.setattr(time, "time", lambda: shop.now)
    yield shop
    for part in PARTS:
        sys.modules.pop(part, None)


def measured(shop: Workshop, watch: Any, before: Any, after: Any) -> Activity:
    """As the portal reads it."""
    record, numbers = shop.agent.measure(watch, before, after)
    activity = Activity.parse(shop.agent.compact(record, [[1000, *numbers]]))
    assert activity
    return activity


def test_counters_become_rates_and_percents(workshop: Workshop) -> None:
    before = workshop.reading()
    workshop.counters(busy=1500, idle=4500, read=1200, received=600_000)
    activity = measured(workshop, None, before, workshop.reading())
    assert (activity.cpu, activity.load) == (25, 0.52)
    assert (activity.memory_used, activity.memory_total) == (750 << 10, 1000 << 10)
    assert (activity.disk_read, activity.disk_written, activity.received, activity.sent) == (10240, 0, 10_000, 0)
    [minute] = activity.minutes or ()
    assert minute
    assert [getattr(minute, name) for name in MEASURES] == [None, 25, 75, 10240, 10_000, 0, 0, 0]


def test_counters_that_begin_anew_are_unknown(workshop: Workshop) -> None:
    workshop.counters(busy=9, idle=9, read=1200, received=600_000)
    before = workshop.reading()
    workshop.counters(busy=9, idle=9)
    activity = measured(workshop, None, before, workshop.reading())
    assert (activity.cpu, activity.disk_read, activity.received) == (None, None, None)


def test_a_kernel_that_says_nothing_leaves_everything_unknown(workshop: Workshop) -> None:
    for name in ("uptime", "stat", "loadavg", "meminfo", "diskstats", "net/dev"):
        (workshop.folder / "proc" / name).unlink()
    workshop.command("who", "exit 1")
    activity = measured(workshop, None, workshop.reading(), workshop.reading())
    assert (activity.cpu, activity.load, activity.memory_used, activity.received) == (None, None, None, None)
    assert (activity.logins, activity.gpus) == (None, ())
    assert [minute and minute.typed for minute in activity.minutes or ()] == [None]


def test_a_silent_training_is_seen_by_the_most_of_all_samples(workshop: Workshop) -> None:
    workshop.has_gpu("0 %", process="4242")
    workshop.process(4242, "python3", ticks=100, arguments="python3 train.py --secret")
    watch, before = workshop.watch(), workshop.reading()
    watch.sample()
    watch.most = None
    for most in ("0 %", "99 %", "0 %", "0 %", "0 %"):
        workshop.now += 12
        workshop.has_gpu(most, process="4242")
        watch.sample()
    workshop.process(4242, "python3", ticks=160, arguments="python3 train.py --secret", io=6000)
    workshop.now -= 60
    activity = measured(workshop, watch, before, workshop.reading())
    [(gpu, process)] = activity.gpu_processes
    assert (gpu.use, gpu.memory_used, gpu.memory_total) == (99, 648 << 20, 143771 << 20)
    assert (process.name, process.age, process.cpu, process.io) == ("python3", 21600, 1, 100)
    assert "train.py" not in activity.model_dump_json()


@pytest.mark.parametrize(
    ("most", "duration", "pause"),
    [("0 %", "14.00 sec", 20), ("N/A", "14.00 sec", 12), ("0 %", "1.00 sec", 12)],
)
def test_a_gap_between_samples_leaves_the_gpu_unknown(
    workshop: Workshop, most: str, duration: str, pause: float
) -> None:
    workshop.has_gpu()
    watch = workshop.watch()
    watch.sample()
    watch.most = None
    workshop.has_gpu(most, duration)
    workshop.now += pause
    watch.sample()
    workshop.has_gpu("50 %")
    workshop.now += 12
    watch.sample()
    activity = measured(workshop, watch, workshop.reading(), workshop.reading())
    assert [gpu and gpu.use for gpu in activity.gpus or ()] == [None]
    assert [minute and minute.gpu for minute in activity.minutes or ()] == [None]


def test_a_gpu_whose_driver_fails_is_unknown_and_not_absent(workshop: Workshop) -> None:
    workshop.has_gpu()
    workshop.command("nvidia-smi", "echo Failed to initialize NVML; exit 9")
    watch = workshop.watch()
    watch.sample()
    assert measured(workshop, watch, workshop.reading(), workshop.reading()).gpus is None


def test_logins_have_idle_times_and_an_editors_connection_has_none(workshop: Workshop) -> None:
    lines = [
        "grace    pts/0        Nov 26 11:00   .          1234 (192.0.2.7)",
        "grace    pts/1        2026-11-26 11:00 01:30        1235 (192.0.2.7)",
        "linus    pts/2        2026-11-20 11:00  old         1236 (192.0.2.7)",
        "reboot   system boot  2026-11-20 11:00",
    ]
    workshop.command("who", "cat <<'END'\n" + "\n".join(lines) + "\nEND")
    workshop.process(77, "sshd")
    workshop.write("proc/77/cmdline", "sshd: linus@notty")
    activity = measured(workshop, None, workshop.reading(), workshop.reading())
    seen = [(each.user, each.idle) for each in activity.logins or () if each]
    assert seen == [("grace", 0), ("grace", 5400), ("linus", 86400), ("linus", None)]
    assert [minute and minute.typed for minute in activity.minutes or ()] == [1]


def test_panes_with_a_job_and_those_with_a_shell_that_waits(workshop: Workshop) -> None:
    workshop.process(100, "tmux: server")
    workshop.process(101, "bash", 100)
    workshop.process(102, "zsh", 100)
    workshop.process(103, "bash", 102)
    workshop.process(104, "rsync", 103)
    workshop.process(200, "screen")
    workshop.process(201, "htop", 200)
    activity = measured(workshop, None, workshop.reading(), workshop.reading())
    panes = sorted((each.kind, each.job or "", each.has_job) for each in activity.multiplexers or () if each)
    assert panes == [("screen", "htop", True), ("tmux", "", False), ("tmux", "rsync", True)]


def test_kernels_that_compute_are_told_from_those_that_are_merely_open(workshop: Workshop) -> None:
    for pid in (300, 301):
        workshop.process(pid, "python3", arguments="python3 -m ipykernel_launcher -f k.json")
    before = workshop.reading()
    workshop.process(301, "python3", ticks=600, arguments="python3 -m ipykernel_launcher -f k.json")
    activity = measured(workshop, None, before, workshop.reading())
    assert (activity.kernels, activity.busy_kernels) == (2, 1)
    assert activity.busiest
    assert (activity.busiest.name, activity.busiest.cpu) == ("python3", 10)


def test_a_process_that_came_with_a_used_number_counts_from_its_own_beginning(workshop: Workshop) -> None:
    workshop.process(400, "old", ticks=100_000)
    before = workshop.reading()
    workshop.process(400, "new", ticks=60)
    file = workshop.folder / "proc/400/stat"
    file.write_text(file.read_text().replace("40000", "2190000"))
    activity = measured(workshop, None, before, workshop.reading())
    assert activity.busiest
    assert (activity.busiest.name, activity.busiest.cpu, activity.busiest.age) == ("new", 1, 100)


def test_a_record_stays_small_whatever_runs(workshop: Workshop) -> None:
    workshop.process(100, "tmux: server")
    for pid in range(1000, 1100):
        workshop.process(pid, "a process with a long name", 100)
    record, numbers = workshop.agent.measure(None, workshop.reading(), workshop.reading())
    text = workshop.agent.compact(record, [[1000, *numbers]] * 10)
    assert len(text) <= workshop.agent.LONGEST
    assert json.loads(text)["multiplexers"] is None


def test_the_agent_tells_when_it_is_asked(workshop: Workshop) -> None:
    (workshop.folder / "attributes").mkdir()
    (workshop.folder / "bin/curl").symlink_to(STAND_IN)
    for part in PARTS:
        (workshop.folder / f"{part}.py").write_text((MODULE / f"{part}.py").read_text())
    environment = {**os.environ, "STAND_IN": str(workshop.folder)}
    told, pid = workshop.folder / "attributes/activity", workshop.folder / "pid"
    with subprocess.Popen([sys.executable, workshop.folder / "agent.py"], env=environment) as process:
        try:
            wait_for(pid)
            process.send_signal(signal.SIGUSR1)
            wait_for(told)
            assert Activity.parse(told.read_text().strip())
        finally:
            process.kill()


def wait_for(file: Path) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not file.exists() or not file.read_text():
        assert time.monotonic() < deadline, f"{file} was not written"
        # A moment, as this computer is asked too often otherwise.
        signal.sigtimedwait([], 0.05)
