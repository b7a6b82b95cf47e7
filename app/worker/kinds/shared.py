"""What the kinds of runs of the shared stack have in common."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.models import SharedStack
from app.services import runs
from app.services.terraform import state_resources
from app.services.terraform.state_versions import State
from app.worker.adopt_shared import SharedAdoption
from app.worker.decide import Decision
from app.worker.kinds.terraform import TerraformKind
from app.worker.lost_roles import BINDING
from app.worker.planned import PLAN_FILE, Known, Planned


class SharedKind(TerraformKind):
    """A run of the shared stack with Terraform."""

    always_shows_plan = True

    def ends_binding(self, role: str) -> bool:
        """Whether an authoritative binding of this role is given up, so that others may grant the role as well."""
        inputs = self.attempt.inputs
        return not inputs.get("authoritative_admins") or inputs.get("iam_admin_role") != role

    def starting_from(self, state: State) -> State:
        """The state without a binding that is given up."""
        # Destroying a binding would take the role from everybody, so Terraform forgets it instead.
        bindings = [each for each in state_resources.instances(state) if each.type == BINDING]
        ends = any(self.ends_binding(each.attributes.value["role"]) for each in bindings)
        return super().starting_from(state_resources.without(state, BINDING) if ends else state)

    async def shared_stack(self, session: AsyncSession) -> SharedStack:
        """The shared stack's row, locked."""
        return await session.get_one(SharedStack, self.stack_id, with_for_update=True)

    async def adopt(self) -> list[str]:
        """Import resources that exist in no state, also those of failed runs that had other parts switched on."""
        async with self.claim.tools.database.sessions() as session:
            since = (await runs.applied(session, self.stack_id)).since
        inputs = self.attempt.inputs
        # Variables that an earlier release did not have are those of this run.
        earlier = [inputs | run.inputs for run in since if run.inputs != inputs]
        return await SharedAdoption(self.claim, self.commands, self.stack_id).adopt(inputs, earlier)

    async def review(self, planned: Planned) -> Planned:
        """Require approval for all changes except those of allowed IPs."""
        await Decision(self.claim, self.commands, self.stack_id).of_shared_stack(planned)
        return planned

    async def check_before_apply(self, known: Known) -> None:
        """Check that nobody who was granted the role since the approval would lose it."""
        await self.review(Planned(known.state, [], [], await self.commands.show(PLAN_FILE)))
