"""The use of NVIDIA's GPUs, so that no burst is missed. Part of agent.py."""

import os
import re
import time
from pathlib import Path

from agent_readings import describe, known, run, spent

PCI_DEVICES = Path(os.environ.get("STATIONMASTER_PCI_DEVICES", "/sys/bus/pci/devices"))
NVIDIA = "0x10de"
SAMPLE_SECONDS = 12
"""nvidia-smi remembers 14 seconds, as a rule: asked more rarely, it misses bursts between the questions."""


def has_nvidia():
    return any(vendor.read_text().strip() == NVIDIA for vendor in PCI_DEVICES.glob("*/vendor"))


def gpu_sample():
    """For each GPU the most of the last seconds, and how many those are; None if they cannot be had."""
    said = run("nvidia-smi", "-q", "-d", "UTILIZATION")
    if said is None:
        return None
    gpus = re.split(r"^GPU .*$", said, flags=re.MULTILINE)[1:]
    return [known(sample_of, gpu) for gpu in gpus]


def sample_of(text):
    # Those of the memory, the encoder and the decoder follow.
    part = text.partition("GPU Utilization Samples")[2].partition("Utilization Samples")[0]
    duration, most = (re.search(name + r"\s*: ([0-9.]+)", part).group(1) for name in ("Duration", "Max"))
    return float(most), float(duration)


class GpuWatch:
    """The most of each GPU since the last record. It is known only if no second was missed."""

    def __init__(self):
        self.covered_until, self.most, self.interval = None, None, SAMPLE_SECONDS

    def sample(self):
        now, sample = time.time(), gpu_sample()
        if not sample or None in sample:
            self.covered_until, self.most = None, []
            return
        remembered = min(duration for _, duration in sample)
        self.interval = max(2, min(SAMPLE_SECONDS, remembered - 2))
        was_missed = self.covered_until is None or now - remembered > self.covered_until + 1
        self.covered_until = now
        if was_missed or self.most == []:
            # What a later sample says does not fill the gap.
            self.most = []
        else:
            self.most = [max(old, most) for old, (most, _) in zip(self.most or [0] * len(sample), sample)]


def gpus(watch, before, after):
    said = run("nvidia-smi", "--query-gpu=uuid,memory.used,memory.total", "--format=csv,noheader,nounits")
    apps = run("nvidia-smi", "--query-compute-apps=gpu_uuid,pid", "--format=csv,noheader,nounits") or ""
    users = [line.split(", ") for line in apps.splitlines() if ", " in line]
    found = []
    for number, line in enumerate(said.splitlines()):
        uuid, used, total = line.split(", ")
        here = [after.processes[pid] for user, pid in users if user == uuid and pid in after.processes]
        busiest = max(here, key=lambda each: spent(before, each), default=None)
        found.append(
            {
                "use": watch.most[number] if watch.most else None,
                "memory_used": known(lambda used=used: int(used) << 20),
                "memory_total": known(lambda total=total: int(total) << 20),
                "process": busiest and describe(busiest, before, after),
            }
        )
    return found
