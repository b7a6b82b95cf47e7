"""What happened to a workstation's machine beside the portal's own runs: at Google, in the machine itself, and what
followed from its office hours or its end date."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, stored_as_text


class MachineEventKind(StrEnum):
    """In the API's words."""

    STOPPED = "stopped"
    STARTED = "started"
    SUSPENDED = "suspended"
    PREEMPTED = "preempted"
    HOST_ERROR = "host_error"
    """Google's host failed; the machine was started anew on another one."""
    RUN_LIMIT = "run_limit"
    """Google stopped the machine because it had run for as long as the team allows."""
    DELETED = "deleted"
    BOOTED = "booted"
    BOOT_FAILED = "boot_failed"
    """It booted with errors, or did not report in time that it has booted."""
    MOUNTED = "mounted"
    MOUNT_FAILED = "mount_failed"
    OFFICE_HOURS_SKIPPED = "office_hours_skipped"
    """The machine could not be started or stopped by its office hours."""
    END_DATE_NEAR = "end_date_near"
    """A reminder of its end date."""
    END_DATE_SKIPPED = "end_date_skipped"
    """The machine could not be stopped at its end date."""

    KEPT = "kept"
    """Somebody typed `keep` on the machine."""

    @property
    def is_boot(self) -> bool:
        """Whether it is the end of a boot, which has a serial console to show."""
        return self in {MachineEventKind.BOOTED, MachineEventKind.BOOT_FAILED}

    @property
    def is_of_machine(self) -> bool:
        """Whether the machine has reported it, and not Google."""
        return self.is_boot or self in {MachineEventKind.MOUNTED, MachineEventKind.MOUNT_FAILED}

    @property
    def is_at_google(self) -> bool:
        """Whether it happened at Google, and neither in the machine nor in the portal."""
        return not self.is_of_machine and not self.policy

    @property
    def policy(self) -> str:
        """From which of the portal's policies it follows; empty if from none."""
        return _POLICIES.get(self, "")


_POLICIES = {
    MachineEventKind.OFFICE_HOURS_SKIPPED: "Office hours",
    MachineEventKind.END_DATE_NEAR: "End date",
    MachineEventKind.END_DATE_SKIPPED: "End date",
    MachineEventKind.KEPT: "Idle stop",
}


class MachineEvent(Base):
    """One change that the portal saw at Google and had not asked for, that the machine has reported, or that
    follows from one of the portal's policies."""

    __tablename__ = "machine_events"

    id: Mapped[str] = mapped_column(primary_key=True)
    workstation_id: Mapped[str] = mapped_column(ForeignKey("workstations.id"), index=True)
    kind: Mapped[MachineEventKind] = mapped_column(stored_as_text(MachineEventKind))
    at: Mapped[datetime]
    """By Google's clock where Google said it, otherwise when it was noticed."""
    by: Mapped[str | None]
    """The account that did it, where Google's operation names one."""
    detail: Mapped[str | None]
    """Why it failed, as a sentence."""
