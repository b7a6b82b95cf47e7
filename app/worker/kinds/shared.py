"""What the kinds of runs of the shared stack share."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.models import SharedStack
from app.worker.adopt_shared import SharedAdoption
from app.worker.decide import Decision
from app.worker.kinds.terraform import TerraformKind
from app.worker.planned import Planned


class SharedKind(TerraformKind):
    """A run of the shared stack by Terraform."""

    always_shows_plan = True

    async def shared_stack(self, session: AsyncSession) -> SharedStack:
        """Its row, locked."""
        return await session.get_one(SharedStack, self.stack_id, with_for_update=True)

    async def adopt(self) -> list[str]:
        """Things of many types; `terraform import` is what looks."""
        return await SharedAdoption(self.claim, self.commands, self.stack_id).adopt()

    async def review(self, planned: Planned) -> Planned:
        """Everything wants a decision but what allowed IPs change."""
        await Decision(self.claim, self.commands, self.stack_id).of_shared_stack(planned)
        return planned
