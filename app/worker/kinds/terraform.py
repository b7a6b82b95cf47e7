"""What those kinds share that Terraform carries out: adopt, plan, have it decided, apply."""

from dataclasses import replace

from app.infra import terraform
from app.infra.events import Event
from app.models import Run, Stack
from app.services.terraform import plans, state_versions
from app.services.terraform.state_versions import State
from app.worker.decide import Decision
from app.worker.kinds.base import Kind
from app.worker.planned import PLAN_FILE, Known, Planned
from app.worker.retry import retry


class TerraformKind(Kind):
    """From what exists to what was asked for. What kinds differ in are the methods below `reach`."""

    changes: tuple[Event, ...] = ()
    """What the plan changes, where there was one."""

    async def reach(self) -> None:
        """Plan and apply, again after what is usually temporary."""
        await retry(self.claim, self.commands, self._try)

    is_only_a_plan = False
    """Nothing is applied."""
    applies_empty_plans = False
    """What an earlier attempt deleted may still be in the state: an empty plan applied is what it learns that by."""
    always_shows_plan = False
    """A plan without changes may change outputs."""

    def reason_to_skip(self, known: Known) -> str:
        """Why there is nothing to do, in a sentence; empty where there is."""
        return ""

    def starting_from(self, state: State) -> State:
        """The stored state, without what Terraform is to leave alone from now on."""
        return state

    def needs_no_plan(self, known: Known) -> bool:
        """There is nothing that a plan could show to be lost."""
        return False

    def plan_options(self, state: State | None) -> list[str]:
        """Further options of the plan."""
        return []

    async def adopt(self) -> list[str]:
        """Take in what exists and no state knows; returns the addresses."""
        raise NotImplementedError

    async def review(self, planned: Planned) -> Planned:
        """The plan, once nothing is in its way. Raises ApprovalRequiredError, or RunFailedError for one refused."""
        return planned

    async def look_again(self, known: Known) -> None:
        """Right before an approved plan is applied: whether it still does no more than was approved."""

    async def _try(self) -> None:
        root = await self.claim.tools.roots.ready(self.attempt.root)
        known = await self._known()
        self.commands.folder.prepare(root, self.attempt.inputs, known.state)
        if known.approved_plan and not known.needs_reconcile:
            self.commands.folder.write_plan(PLAN_FILE, known.approved_plan)
            await self.look_again(known)
            await self.commands.apply(PLAN_FILE, message="Applying the approved plan.")
        elif self.needs_no_plan(known):
            message = "No resources exist yet. Applying without a separate plan."
            await self.commands.apply(message=message, auto_approve=terraform.FLAG)
        elif reason := self.reason_to_skip(known):
            await self.claim.log(reason)
        else:
            await self._plan_and_apply(await self.adopt() if known.needs_reconcile else [])

    async def _known(self) -> Known:
        async with self.claim.tools.database.sessions() as session:
            state = await state_versions.newest(session, self.claim.tools.vault, self.stack_id)
            stack = await session.get_one(Stack, self.stack_id)
            run = await session.get_one(Run, self.claim.run_id)
            # What was approved is not what rolls it back.
            is_approved = run.approved_at is not None and not self.commands.undoing
            plan = await plans.file_of(session, self.claim.tools.vault, run.id) if is_approved else None
        self.commands.serial = state.serial if state else 0
        return Known(state and self.starting_from(state), stack.needs_reconcile, plan)

    async def _plan_and_apply(self, adopted: list[str]) -> None:
        state = self.commands.folder.read_state()
        follower = await self.commands.plan(*self.plan_options(state), out=PLAN_FILE)
        planned = Planned(state, follower.changes, adopted)
        if planned.changes or self.always_shows_plan:
            planned = replace(planned, shown=await self.commands.show(PLAN_FILE))
        if planned.is_empty:
            await self.claim.log("No changes to apply.")
            if not self.applies_empty_plans or state is None or state.is_empty:
                return
        if not self.is_only_a_plan:
            planned = await self.review(planned)
        await Decision(self.claim, self.commands, self.stack_id).keep_view(planned.shown)
        self.changes = tuple(planned.changes)
        if not self.is_only_a_plan:
            await self.commands.apply(PLAN_FILE)
