"""Which Terraforms apply at once: no stack may ever have two."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

from tests.chaos import processes
from tests.chaos.host import Host

PID_FILE = re.compile(r"apply-.*\.pid")


class Apply(NamedTuple):
    """One Terraform at work."""

    run_id: str
    host: str
    pid: int


@dataclass
class Applies:
    """Looked at many times a second; what was seen together is kept until somebody asks whose runs these are."""

    _together: set[tuple[Apply, Apply]] = field(default_factory=set)

    def look(self, hosts: list[Host]) -> None:
        """Once at all run folders of these hosts."""
        found = sorted(apply for host in hosts for apply in _of(host))
        self._together.update(combinations(found, 2))

    def twice(self, stack_of: dict[str, str]) -> list[str]:
        """Those that applied one stack at once, in words.

        :param stack_of: the stack of each run.
        """
        return [
            f"{one.host} and {other.host} applied stack {stack_of[one.run_id]} at once:"
            f" run {one.run_id} (process {one.pid}) and run {other.run_id} (process {other.pid})"
            for one, other in sorted(self._together)
            if one.run_id in stack_of and stack_of[one.run_id] == stack_of.get(other.run_id)
        ]


def _of(host: Host) -> Iterator[Apply]:
    """Pid files count only where that very process is alive: numbers are used again."""
    for run in _names(host.runs):
        for name in _names(host.runs / run / "work"):
            pid = processes.recorded(host.runs / run / "work" / name) if PID_FILE.fullmatch(name) else 0
            if pid:
                yield Apply(run, host.name, pid)


def _names(folder: Path) -> list[str]:
    """Folders come and go as we look."""
    try:
        return [path.name for path in folder.iterdir()]
    except OSError:
        return []
