"""Start: a stopped machine is switched on and waited for; address, disks and host keys are what they were."""

from app.infra.machines import Power
from app.models import RunKind
from app.worker.kinds.order import OrderKind
from app.worker.kinds.workstation import MachineKind
from app.worker.readiness import place_of


class Start(OrderKind, MachineKind, kind=RunKind.START):
    """Where Google has no capacity left the machine stays stopped, and the error says so as for a new one."""

    power = Power.START
    announcement = "Starting {}."

    async def reach(self) -> None:
        """Raises RunFailedError when Google refuses or nothing boots, CanceledError when nothing was begun yet."""
        place = await place_of(self.claim, self.stack_id)
        await self.order(place)
        await self.wait_until_ready(place)
