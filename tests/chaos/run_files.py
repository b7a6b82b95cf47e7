"""A run's folder as one sees it from outside: Terraform's events, its processes, on whichever host has them."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from tests.chaos import processes
from tests.chaos.host import Host

GONE = (FileNotFoundError, NotADirectoryError)


class Event(NamedTuple):
    """What Terraform said of one resource."""

    type: str
    action: str
    file: Path


@dataclass
class RunFiles:
    """One run's files. `mark` forgets what has been, so that only what comes after it counts."""

    hosts: list[Host]
    run_id: str
    _marks: dict[Path, int] = field(default_factory=dict)

    def events(self) -> list[Event]:
        """What applies have said of resources since the mark."""
        return [event for file in self._files("apply-*.jsonl") for event in self._read(file)]

    def mark(self) -> None:
        """From here on."""
        for file in self._files("*"):
            self._marks[file] = _size(file)

    def has_ended(self, event: Event) -> bool:
        """Whether the command that said this has ended."""
        return event.file.with_suffix(".rc").exists() or not event.file.exists()

    @property
    def host(self) -> Host | None:
        """Where something of it runs now, or else where it has a folder."""
        with_files = [host for host in self.hosts if self._work(host).exists()]
        alive = [host for host in with_files if processes.working_in(self._work(host))]
        return next(iter([*alive, *with_files]), None)

    def pids(self, host: Host) -> dict[str, list[int]]:
        """Its live processes on a host: shim, terraform, provider."""
        work = self._work(host)
        alive = processes.working_in(work)
        shims, terraforms = ({_pid(file) for file in _listed(work, f"*.{suffix}")} for suffix in ("sid", "pid"))
        return {
            "shim": [pid for pid in alive if pid in shims],
            "terraform": [pid for pid in alive if pid in terraforms],
            "provider": [pid for pid in alive if pid not in shims | terraforms],
        }

    def _files(self, pattern: str) -> list[Path]:
        return [file for host in self.hosts for file in _listed(self._work(host), pattern)]

    def _work(self, host: Host) -> Path:
        return host.runs / self.run_id / "work"

    def _read(self, file: Path) -> list[Event]:
        """Whole lines after the mark; none where the file was made anew or is gone."""
        try:
            with file.open("rb") as opened:
                opened.seek(self._marks.get(file, 0))
                lines = opened.read().split(b"\n")[:-1]
        except GONE:
            return []
        return [event for line in lines if (event := _parse(line, file))]


def _listed(folder: Path, pattern: str) -> list[Path]:
    """None once the folder is deleted, which may happen meanwhile."""
    try:
        return sorted(folder.glob(pattern))
    except GONE:
        return []


def _parse(line: bytes, file: Path) -> Event | None:
    try:
        record = json.loads(line)
    except ValueError:
        return None  # the mark was in the middle of a line
    action = record.get("hook", {}).get("action")
    return Event(record["type"], action, file) if action and action != "read" else None


def _pid(file: Path) -> int:
    try:
        return int(file.read_text().split()[0])
    except (*GONE, IndexError):
        return 0


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except GONE:
        return 0
