"""Whether a workstation that Google has preempted is started again by itself."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy.orm import Mapped

from app.models.capacity_move import MovesForCapacity
from app.models.run_kinds import RunKind
from app.models.workstation_states import WorkstationStatus


class KeptOffBy(StrEnum):
    """What counts more than the return, the strongest first."""

    OWNER = "owner"
    """Its owner is disabled."""
    END_DATE = "end_date"
    OFFICE_HOURS = "office_hours"


class ReturnsAfterPreemption(MovesForCapacity):
    """Columns and rules of `Workstation`."""

    spot: Mapped[bool]
    restart_preempted: Mapped[bool | None]
    """Whether it is started again after a preemption, as its owner chose; None: as the team's policy says."""

    @property
    def is_preempted(self) -> bool:
        """Whether Google has stopped it to take back its capacity."""
        return self.status is WorkstationStatus.PREEMPTED

    @property
    def preempted_at(self) -> datetime | None:
        """When the preemption was noticed; None if it is not preempted."""
        seen = [at for at in (self.google_status_since, self.running_at) if at]
        return max(seen, default=None) if self.is_preempted else None

    def returns(self, *, by_default: bool) -> bool:
        """Whether it is to be started again after a preemption.

        :param by_default: the team's policy.
        """
        return by_default if self.restart_preempted is None else self.restart_preempted

    def kept_off_by(self, now: datetime, *, has_disabled_owner: bool) -> KeptOffBy | None:
        """What keeps a preempted machine from its return; None if nothing does, or if it is not preempted."""
        keeps = {
            KeptOffBy.OWNER: has_disabled_owner,
            KeptOffBy.END_DATE: self.has_ended(now),
            KeptOffBy.OFFICE_HOURS: self.is_outside_hours(now),
        }
        return next((each for each, counts in keeps.items() if counts and self.is_preempted), None)

    def is_outside_hours(self, now: datetime) -> bool:
        """Whether its office hours have stopped it, and are going to start it."""
        hours = self.hours
        if hours is None or hours.start is None or hours.stop is None:
            return False
        last = hours.last(now)
        return last.order is RunKind.STOP and last.day != self.office_hours_skip
