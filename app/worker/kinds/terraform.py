"""Runs that Terraform executes: adopt, plan, decide, apply."""

from dataclasses import replace

from app.infra import terraform
from app.infra.events import Event
from app.models import Run, Stack
from app.services.terraform import plans, state_resources, state_versions
from app.services.terraform.state_versions import State
from app.worker.decide import Decision
from app.worker.kinds.base import Kind
from app.worker.planned import PLAN_FILE, Known, Planned
from app.worker.retry import retry

LABELLED_LATER = frozenset({"google_compute_address", "google_compute_global_address"})
"""Types that get their labels by a second call. If that fails, Terraform would replace the resource, which is ours and
complete but for the labels."""


class TerraformKind(Kind):
    """A run with Terraform. Kinds differ in the methods and attributes below `reach`."""

    changes: tuple[Event, ...] = ()
    """The changes of the plan, if there was one."""

    async def reach(self) -> None:
        """Plan and apply, with retries after transient errors."""
        await retry(self.claim, self.commands, self._try)

    is_only_a_plan = False
    """Whether the plan is not applied."""
    applies_empty_plans = False
    """Whether a plan without changes is applied, because that removes deleted resources from the state."""
    # Even without changes to resources, outputs may change.
    always_shows_plan = False
    """Whether the plan is shown if no resource changes."""

    def reason_to_skip(self, known: Known) -> str:
        """Why there is nothing to do, as a sentence; empty if there is something."""
        return ""

    def starting_from(self, state: State) -> State:
        """The state to start from, without resources that Terraform has to forget."""
        return state_resources.untainted(state, LABELLED_LATER)

    def needs_no_plan(self, known: Known) -> bool:
        """Whether nothing exists that a plan could show to be lost."""
        return False

    def plan_options(self, state: State | None) -> list[str]:
        """Additional options of the plan."""
        return []

    async def adopt(self) -> list[str]:
        """Import resources that exist in no state; returns their addresses."""
        raise NotImplementedError

    async def review(self, planned: Planned) -> Planned:
        """The plan to apply. Raises ApprovalRequiredError, or RunFailedError if it is refused."""
        return planned

    async def before_apply(self) -> None:
        """Do what has to be done before a plan is applied. Raises RunFailedError if it must not be applied."""

    async def check_before_apply(self, known: Known) -> None:
        """Check right before an approved plan is applied that it still does no more than was approved."""

    async def _try(self) -> None:
        root = await self.claim.tools.roots.ready(self.attempt.root)
        known = await self._known()
        self.commands.folder.prepare(root, self.attempt.inputs, known.state)
        self.commands.folder.edit_state(self.starting_from)
        # A plan from before an interruption may not fit what exists now.
        if known.approved_plan and not known.needs_reconcile:
            self.commands.folder.write_plan(PLAN_FILE, known.approved_plan)
            await self.check_before_apply(known)
            await self.before_apply()
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
            # The approval was for the run, not for its rollback.
            is_approved = run.approved_at is not None and not self.commands.undoing
            plan = await plans.file_of(session, self.claim.tools.vault, run.id) if is_approved else None
        self.commands.serial = state.serial if state else 0
        return Known(state, stack.needs_reconcile, plan)

    async def plan(self, state: State | None, adopted: list[str]) -> Planned:
        """Create the plan, with its JSON if it changes anything."""
        follower = await self.commands.plan(*self.plan_options(state), out=PLAN_FILE)
        planned = Planned(state, follower.changes, adopted, has_missing=follower.has_missing)
        if not planned.changes and not self.always_shows_plan:
            return planned
        return replace(planned, shown=await self.commands.show(PLAN_FILE))

    def _must_update_state(self, planned: Planned) -> bool:
        """Whether an empty plan is applied all the same: that removes from the state what a lost worker's Terraform,
        or somebody else, has deleted."""
        is_due = self.applies_empty_plans or (planned.has_missing and not self.is_only_a_plan)
        return is_due and planned.state is not None and not planned.state.is_empty

    async def _plan_and_apply(self, adopted: list[str]) -> None:
        state = self.commands.folder.read_state()
        planned = await self.plan(state, adopted)
        if planned.is_empty:
            await self.claim.log("No changes to apply.")
            if self._must_update_state(planned):
                await self.commands.apply(PLAN_FILE)
            return
        if not self.is_only_a_plan:
            planned = await self.review(planned)
        await Decision(self.claim, self.commands, self.stack_id).keep_view(planned.shown)
        self.changes = tuple(planned.changes)
        if not self.is_only_a_plan:
            await self.before_apply()
            await self.commands.apply(PLAN_FILE)
