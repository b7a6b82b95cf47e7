"""Restart: reset a machine, and wait until it is ready again."""

from app.infra.machines import Power
from app.models import RunKind, Workstation
from app.worker.kinds.order import OrderKind
from app.worker.kinds.workstation import MachineKind
from app.worker.readiness import place_of


class Restart(OrderKind, MachineKind, kind=RunKind.RESTART):
    """A restart by reset (see ADR 014)."""

    power = Power.RESET
    announcement = "Restarting {}."

    async def reach(self) -> None:
        """Reset the machine and wait. Raises RunFailedError if Google refuses or the machine does not boot,
        CanceledError if canceled before."""
        place = await place_of(self.claim, self.stack_id)
        # Only reports after the reset count, since the earlier boot's are still there.
        await self.wait_until_ready(place, await self.order(place))

    def ordered(self, workstation: Workstation) -> None:
        """Mark the workstation as booting."""
        workstation.begin_restart()
