"""What is still there of runs that are final: processes, leases, locks and folders."""

from collections.abc import Callable
from pathlib import Path

from tests.chaos import processes
from tests.chaos.findings import Fault, Finding
from tests.chaos.host import temporary
from tests.chaos.world import World

TIDY_WITHIN_S = 30.0
"""The grace after a run's end for processes, locks and folders of earlier attempts to go."""


def left_over(world: World, run_ids: list[str]) -> list[Finding]:
    """What is still there of runs that are final, after a grace."""
    looks: tuple[Callable[[World, list[str]], list[str]], ...] = (_processes, _leases, _locks, _folders)
    processes.until(lambda: not any(look(world, run_ids) for look in looks), TIDY_WITHIN_S, every=0.2)
    return [Finding(Fault.STUCK, words) for look in looks for words in look(world, run_ids)]


def _processes(world: World, run_ids: list[str]) -> list[str]:
    left = [(host, pid) for host in world.hosts for pid in processes.working_in(host.runs)]
    return [f"a process is left on {host.name}: {processes.describe(pid)}" for host, pid in left]


def _leases(world: World, run_ids: list[str]) -> list[str]:
    held = world.rows(
        "SELECT id, status FROM runs WHERE id = ANY(%s) AND finished_at IS NOT NULL AND lease_until IS NOT NULL",
        run_ids,
    )
    return [f"run {run['id']} is {run['status']} and has a lease" for run in held]


def _locks(world: World, run_ids: list[str]) -> list[str]:
    """Transactions that hold or await row and table locks for longer than any of ours should last."""
    held = world.rows(
        """
        SELECT DISTINCT pid, application_name, left(query, 100) AS query
        FROM pg_stat_activity JOIN pg_locks USING (pid)
        WHERE datname = current_database() AND pid <> pg_backend_pid()
          AND locktype IN ('relation', 'transactionid', 'tuple', 'advisory')
          AND coalesce(xact_start, state_change) < clock_timestamp() - interval '2 s'
        """
    )
    return [f"{row['application_name']} (backend {row['pid']}) holds a lock: {row['query']}" for row in held]


def _folders(world: World, run_ids: list[str]) -> list[str]:
    folders: list[Path] = [host.runs / run_id for host in world.hosts for run_id in run_ids]
    folders += [temporary(run_id) for run_id in run_ids]
    return [f"a folder of a run that has ended is left: {folder}" for folder in folders if folder.exists()]
