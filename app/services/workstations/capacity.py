"""What a workstation does when Google has no capacity for it, as its owner wishes."""

from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from app import live
from app.errors import ConflictError, InvalidError
from app.models import Action, Workstation
from app.models.capacity_wait import MOST_HOURS
from app.services import audit, runs
from app.services.context import Context
from app.services.workstations import specs
from app.services.workstations.specs import WholeNumber


class CapacityWishes(BaseModel):
    """What is to happen if Google has no capacity."""

    model_config = ConfigDict(extra="forbid")

    wait_hours: WholeNumber = Field(
        description="For how many hours a start or change waits for capacity. 0: it fails.",
        json_schema_extra={"minimum": 0, "maximum": MOST_HOURS},
    )

    restart_preempted: bool | None = Field(
        None, description="Whether it is started again when Google has preempted it; null: as the team's policy says."
    )

    moves_itself: bool = Field(
        False,
        description="Whether a start without capacity is followed by a move to another zone of the region.",
    )

    @classmethod
    def of(cls, workstation: Workstation) -> Self:
        """What its owner chose so far."""
        return cls(
            wait_hours=workstation.wait_hours,
            restart_preempted=workstation.restart_preempted,
            moves_itself=workstation.moves_itself,
        )


async def change(ctx: Context, workstation: Workstation, wishes: CapacityWishes) -> None:
    """Keep these wishes; a run that is pending follows them. Raises InvalidError, or ConflictError after a deletion."""
    problem = specs.wait_hours_problem(wishes.wait_hours)
    if problem:
        raise InvalidError("Fix the errors below.", fields={"wait_hours": problem})
    pending = await runs.lock(ctx.session, workstation.id)
    await ctx.session.refresh(workstation)
    if not workstation.can_change:
        raise ConflictError(f"{workstation.name} has been deleted, or is being deleted.")
    before = CapacityWishes.of(workstation).model_dump()
    workstation.wait_hours, workstation.restart_preempted = wishes.wait_hours, wishes.restart_preempted
    workstation.moves_itself = wishes.moves_itself
    for run in pending:
        run.wait_hours = wishes.wait_hours
    await live.signal(ctx.session, live.stack_topic(workstation.id))
    audit.record(ctx, Action.SET_CAPACITY, workstation.id, workstation.name, before, wishes.model_dump())
