"""The team's policy: bounds and times that admins chose for all workstations."""

from datetime import timedelta

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator
from sqlalchemy.ext.asyncio import AsyncSession

from app.models import Action, Team
from app.models.run_limit import LONGEST
from app.services import audit
from app.services.context import Context
from app.services.people import team

IDLE_LEAST, IDLE_MOST = 45, 10_080
"""Bounds of the bounds, in minutes: there must be time for the warnings, and a week is long enough."""


class TeamPolicy(BaseModel):
    """What counts for all workstations."""

    model_config = ConfigDict(extra="forbid")

    grace_days: int = Field(
        7, ge=1, le=90, description="Days between the stop at an end date and the deletion, which keeps the data disk."
    )
    dormant_days: int = Field(
        30, ge=7, le=365, description="Days after which the owner of a stopped workstation is asked whether to keep it."
    )
    daily_snapshots: bool = Field(
        False, description="Whether a snapshot of each data disk is taken every day, unless its owner chose otherwise."
    )
    rest_days: int = Field(
        14,
        ge=0,
        le=90,
        description="Days for which a deleted data disk rests as a snapshot, and after which snapshots taken before a "
        "change are deleted; 0: deleted disks do not rest, and those snapshots are kept.",
    )
    restart_preempted: bool = Field(
        False, description="Whether preempted Spot machines are started again, unless their owner chose otherwise."
    )
    idle_least: int = Field(60, ge=IDLE_LEAST, le=IDLE_MOST, description="The fewest minutes that owners can choose.")
    idle_most: int = Field(1440, ge=IDLE_LEAST, le=IDLE_MOST, description="The most minutes that owners can choose.")
    idle_minutes: int = Field(
        0, ge=0, le=IDLE_MOST, description="Idle minutes after which a workstation is stopped by default; 0 for never."
    )
    idle_required: bool = Field(False, description="Whether owners cannot choose that a workstation is never stopped.")
    idle_gpu_percent: int = Field(5, ge=1, le=100, description="A GPU that is used less than this is idle.")
    idle_cpu_percent: int = Field(10, ge=1, le=100, description="Cores that are used less than this are idle.")

    run_limit_hours: int = Field(
        0,
        ge=0,
        le=LONGEST // timedelta(hours=1),
        description="Hours after its start at which Google stops a machine, whatever it does; 0 for no limit. "
        "It counts for machines that are created or started from then on.",
    )

    @field_validator("idle_most")
    @classmethod
    def _is_above_the_least(cls, most: int, info: ValidationInfo) -> int:
        if most < info.data.get("idle_least", 0):
            raise ValueError("Enter no less than the fewest minutes.")
        return most

    @field_validator("idle_minutes")
    @classmethod
    def _is_within_bounds(cls, minutes: int, info: ValidationInfo) -> int:
        if minutes and not info.data.get("idle_least", 0) <= minutes <= info.data.get("idle_most", IDLE_MOST):
            raise ValueError("Enter a number within the bounds, or 0.")
        return minutes

    def idle_after(self, choice: int | None) -> timedelta | None:
        """The idle time that counts for a workstation whose owner made this choice; None for never.

        A choice that was made before the bounds changed is brought within them.
        """
        minutes = self.idle_minutes if choice is None else choice
        if not minutes:
            return timedelta(minutes=self.idle_most) if self.idle_required else None
        return timedelta(minutes=min(max(minutes, self.idle_least), self.idle_most))

    @classmethod
    def rule(cls, name: str) -> str:
        """What a number has to be, as a sentence."""
        bounds = cls.model_json_schema()["properties"][name]
        return f"Enter a whole number from {bounds['minimum']} to {bounds['maximum']}."

    @property
    def run_limit(self) -> timedelta | None:
        """How long a machine may run before Google stops it; None: for ever."""
        return timedelta(hours=self.run_limit_hours) if self.run_limit_hours else None

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
