"""Snapshot: take a snapshot of the data disk."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.models import Run, RunKind, SnapshotReason
from app.worker.errors import CanceledError
from app.worker.kinds.base import Kind
from app.worker.snapshots import SnapshotTaker


class TakeSnapshot(Kind, kind=RunKind.SNAPSHOT):
    """A snapshot of the disk as it is, whether the machine runs or not. Nothing is changed by it."""

    async def reach(self) -> None:
        """Take it. Raises RunFailedError if Google refuses, CanceledError if canceled before."""
        async with self.claim.writing() as (_, run):
            # Once Google copies the disk, canceling would have no effect.
            if run.cancel:
                raise CanceledError
            run.begin_apply(self.claim.tools.clock())
            reason = SnapshotReason.MANUAL if run.requested_by else SnapshotReason.DAILY
        await SnapshotTaker(self.claim, self.commands, self.stack_id).take(reason)

    async def finish(self, session: AsyncSession, run: Run) -> str:
        """Nothing about the workstation has changed."""
        return "Done. The snapshot is on the workstation's page."
