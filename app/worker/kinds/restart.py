"""Restart: Google presses the machine's reset button, and what boots is waited for as a new machine is."""

from app.infra.machines import Power
from app.models import RunKind, Workstation
from app.worker.kinds.order import OrderKind
from app.worker.kinds.workstation import MachineKind
from app.worker.readiness import place_of


class Restart(OrderKind, MachineKind, kind=RunKind.RESTART):
    """ADR 014 says why it is a reset."""

    power = Power.RESET
    announcement = "Restarting {}."

    async def reach(self) -> None:
        """Raises RunFailedError when Google refuses or nothing boots, CanceledError when nothing was begun yet."""
        place = await place_of(self.claim, self.stack_id)
        await self.wait_until_ready(place, await self.order(place))

    def ordered(self, workstation: Workstation) -> None:
        """It boots."""
        workstation.begin_restart()
