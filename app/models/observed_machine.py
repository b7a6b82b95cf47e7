"""The part of a workstation that follows what Google says of its machine, whoever changed it."""

from datetime import datetime

from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import stored_as_text
from app.models.workstation_states import AT_GOOGLE, FOLLOWS_GOOGLE, OFF, WorkstationStatus

W = WorkstationStatus


class ObservedMachine:
    """Columns and rules of `Workstation`."""

    status: Mapped[WorkstationStatus] = mapped_column(stored_as_text(W), default=W.REQUESTED)
    report: Mapped[dict[str, str]] = mapped_column(JSONB, default=dict)
    """The machine's last report as attributes; `machine` parses it."""
    reported_at: Mapped[datetime | None]
    google_status: Mapped[str | None]
    """Google's word for how the machine is (RUNNING, REPAIRING …), or ABSENT. None: it was not asked yet."""
    google_status_since: Mapped[datetime | None]
    """When that was noticed."""

    @property
    def is_off(self) -> bool:
        """Whether it is stopped or suspended, by whomever."""
        return self.status in OFF

    @property
    def is_missing(self) -> bool:
        """Whether somebody has deleted the machine at Google."""
        return self.status is W.MISSING

    @property
    def costs_no_machine(self) -> bool:
        """Whether only its disks and its address are billed."""
        return self.is_off or self.is_missing

    @property
    def passing_status(self) -> str | None:
        """Google's word for what it is doing to the machine by itself; None while a run does it, or nothing happens."""
        is_passing = self.google_status is not None and self.google_status not in AT_GOOGLE
        return self.google_status if is_passing and self.status in FOLLOWS_GOOGLE else None

    def observe(self, google_status: str, now: datetime, *, is_preempted: bool = False) -> bool:
        """Take over what Google says while no run works on the machine; returns whether the status has changed."""
        if google_status != self.google_status:
            self.google_status, self.google_status_since = google_status, now
        status = AT_GOOGLE.get(google_status, self.status)
        if status is W.STOPPED and (is_preempted or self.status is W.PREEMPTED):
            status = W.PREEMPTED
        if self.status not in FOLLOWS_GOOGLE or status is self.status:
            return False
        self.status = status
        self.report, self.reported_at = {}, None
        return True
