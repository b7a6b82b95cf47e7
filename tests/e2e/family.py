"""The processes of a portal that runs: `up`, everything that it started, and what that started."""

from contextlib import suppress

import psutil

from tests.portal_process import PortalProcess

NAMES = ("shim.py", "app web", "app worker", "postgres", "stationmaster up", "terraform")


def family(portal: PortalProcess) -> list[psutil.Process]:
    """`up`, everything that it started, and what that started."""
    assert portal.process
    with suppress(psutil.NoSuchProcess):
        children = psutil.Process(portal.process.pid).children()
        ups = [each for each in children if line(each).endswith("stationmaster up")]
        return [each for up in ups for each in (up, *up.children(recursive=True)) if line(each)]
    return []


def line(process: psutil.Process) -> str:
    """Its command line; nothing where it is a zombie or gone."""
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def named(portal: PortalProcess) -> dict[str, psutil.Process]:
    """One process of each name: the one that was started first."""
    found: dict[str, psutil.Process] = {}
    for process in family(portal):
        name = next((each for each in NAMES if each in line(process)), "")
        found.setdefault(name.rpartition(" ")[2], process)
    return found
