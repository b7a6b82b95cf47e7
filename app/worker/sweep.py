"""Removes run folders that are not needed any more, because the run has ended or is executed on another host."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import structlog
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from app.models import Run
from app.worker.claim import Tools
from app.worker.folder import RunFolder

log = structlog.get_logger()
SWEEP_SECONDS = 15.0


class Sweep:
    """Sweeps the run folders of this host. Several workers of one host may do so at once."""

    def __init__(self, tools: Tools, run_ids: Callable[[], set[str]]) -> None:
        """:param run_ids: returns the runs that this process executes; their folders are left alone."""
        self._tools, self._run_ids = tools, run_ids
        self._runs = (tools.settings.data_dir / "worker" / "runs").resolve()

    async def sweep_for_ever(self) -> None:
        """Sweep until cancelled. If the database is unavailable, wait for it."""
        while True:
            try:
                await self._tools.database.wait_until_reachable()
                await self.sweep()
            except OperationalError as error:
                log.warning("the sweep cannot reach the database", error=str(error.orig))
            await asyncio.sleep(SWEEP_SECONDS)

    async def sweep(self) -> None:
        """Remove folders that are not needed. A Terraform that still runs in one is interrupted first."""
        active = self._run_ids()
        folders = [path for path in self._runs.glob("*") if path.name not in active]
        needed = await self._needed([path.name for path in folders])
        for path in folders:
            if path.name not in needed:
                self._remove(path)

    async def _needed(self, run_ids: list[str]) -> set[str]:
        """Runs that are in progress and were last executed on this host."""
        # Runs whose newest attempt is on another host do not need this host's folder.
        query = select(Run).where(Run.id.in_(run_ids), Run.host == self._tools.host)
        async with self._tools.database.sessions() as session:
            return {run.id for run in await session.scalars(query) if run.is_executing}

    def _remove(self, path: Path) -> None:
        folder = RunFolder(path)
        step = folder.newest_step()
        # The folder is removed by a later sweep, when Terraform has ended.
        if step is not None and step.is_running():
            if step.interrupt():
                log.warning("stopping Terraform of a run that continues on another worker", run=path.name)
            return
        folder.remove()
        log.info("run folder removed", run=path.name)
