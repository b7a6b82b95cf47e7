"""The team's policy: bounds and times that admins chose for all workstations."""

from datetime import timedelta

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession

from app.models import Action, Team
from app.services import audit
from app.services.context import Context
from app.services.people import team


class TeamPolicy(BaseModel):
    """What counts for all workstations."""

    model_config = ConfigDict(extra="forbid")

    grace_days: int = Field(
        7, ge=1, le=90, description="Days between the stop at an end date and the deletion, which keeps the data disk."
    )
    dormant_days: int = Field(
        30, ge=7, le=365, description="Days after which the owner of a stopped workstation is asked whether to keep it."
    )

    restart_preempted: bool = Field(
        False, description="Whether preempted Spot machines are started again, unless their owner chose otherwise."
    )

    @classmethod
    def rule(cls, name: str) -> str:
        """What a number has to be, as a sentence."""
        bounds = cls.model_json_schema()["properties"][name]
        return f"Enter a whole number from {bounds['minimum']} to {bounds['maximum']}."

    @property
    def grace(self) -> timedelta:
        """The time between the stop at an end date and the deletion."""
        return timedelta(days=self.grace_days)

    @property
    def dormant_after(self) -> timedelta:
        """How long a workstation is off before its owner is asked about it."""
        return timedelta(days=self.dormant_days)


async def of_team(session: AsyncSession) -> TeamPolicy:
    """The policy as admins chose it, with the defaults for the rest."""
    row = await session.get(Team, Team.ID)
    return TeamPolicy.model_validate(row.policy if row else {})


async def change(ctx: Context, policy: TeamPolicy) -> None:
    """Set it, for all that is decided from now on."""
    row = await team.lock(ctx.session)
    before, after = TeamPolicy.model_validate(row.policy).model_dump(), policy.model_dump()
    row.policy = after
    if after != before:
        audit.record(ctx, Action.CHANGE_POLICY, row.id, "team", before, after)
