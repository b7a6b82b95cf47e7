"""A workstation: one member's VM with its persistent disk and static IP. Its id is its stack's id."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.models.base import Base, stored_as_text
from app.models.machine_report import MachineReport
from app.models.member import Member
from app.models.run import Run
from app.models.run_kinds import ORDERS, RunKind
from app.models.stack import Stack
from app.models.workstation_states import WorkstationStatus

DEVICE_PATH = "/dev/disk/by-id/google-home"
"""Where the data disk is inside every workstation: stable, because the attachment's device_name is "home"."""
MOUNT_POINT = "/home/jupyter"


W = WorkstationStatus
_UNDER_WAY = {W.PROVISIONING, W.UPDATING, W.DESTROYING, W.STARTING, W.STOPPING}
_OFF = {W.STOPPED, W.PREEMPTED}


_WISH = (
    *("owner_id", "name", "machine_type", "accelerator", "accelerator_count", "zone"),
    *("image", "snapshot", "disk_size_gb", "disk_type", "spot"),
)


class Workstation(Base):
    """What its owner asked for, and what became of it."""

    __tablename__ = "workstations"
    __table_args__ = (
        Index("one_name_an_owner", "owner_id", "name", unique=True, postgresql_where=text("status <> 'destroyed'")),
    )

    id: Mapped[str] = mapped_column(ForeignKey("stacks.id"), primary_key=True)
    owner_id: Mapped[str] = mapped_column(ForeignKey("members.id"), index=True)
    name: Mapped[str]
    status: Mapped[WorkstationStatus] = mapped_column(stored_as_text(W), default=W.REQUESTED)

    status_before: Mapped[WorkstationStatus] = mapped_column(stored_as_text(W), default=W.REQUESTED)
    """How it stood when the run that is under way began."""

    machine_type: Mapped[str]
    accelerator: Mapped[str | None]
    accelerator_count: Mapped[int]
    zone: Mapped[str]
    image: Mapped[str]
    snapshot: Mapped[str | None]
    disk_size_gb: Mapped[int]
    disk_type: Mapped[str]
    spot: Mapped[bool]
    ssh_username: Mapped[str]

    adopted_disk: Mapped[str | None]
    """Name at Google of a data disk that was there before the portal and was taken over."""
    adopted_address: Mapped[str | None]
    """The same of its static address."""

    address: Mapped[str | None]
    host_keys: Mapped[dict[str, str]] = mapped_column(JSONB, default=dict)
    """SSH host keys by algorithm, base64, as the machine published them: {"ssh-ed25519": "AAAA…"}."""
    report: Mapped[dict[str, str]] = mapped_column(JSONB, default=dict)
    """What the machine said of itself when the worker last looked; `machine` reads it."""
    reported_at: Mapped[datetime | None]
    disk_kept: Mapped[bool] = mapped_column(default=False)
    """Destroyed, but its data disk still exists (and costs)."""

    checked_at: Mapped[datetime | None]
    """When a plan last said whether Google still has what was applied."""
    drift_run_id: Mapped[str | None]
    """The check that found differences, until a run has put them right or a later check finds none."""

    created_at: Mapped[datetime]
    running_at: Mapped[datetime | None]
    destroyed_at: Mapped[datetime | None]

    owner: Mapped[Member] = relationship(lazy="raise")
    stack: Mapped[Stack] = relationship(lazy="raise")

    @property
    def noun(self) -> str:
        """What it is, in sentences."""
        return "workstation"

    @property
    def resource_name(self) -> str:
        """The name at Google: deterministic, and unique through the stack's id."""
        return f"{self.name}-{self.id}"

    @property
    def disk_name(self) -> str:
        """The data disk's name at Google."""
        return self.adopted_disk or f"{self.resource_name}-home"

    @property
    def machine(self) -> MachineReport:
        """What the machine says of itself: boot, disk, driver."""
        return MachineReport.read(self.report)

    @property
    def is_without_disk(self) -> bool:
        """It runs, and says that its data disk is not mounted."""
        mount = self.machine.mount
        return self.is_running and mount is not None and not mount.is_mounted

    @property
    def has_drifted(self) -> bool:
        """Somebody has changed at Google what the portal made."""
        return self.drift_run_id is not None

    @property
    def is_running(self) -> bool:
        """Ready to be logged in to."""
        return self.status is W.RUNNING

    @property
    def is_destroyed(self) -> bool:
        """Gone (its disk may have been kept)."""
        return self.status is W.DESTROYED

    @property
    def can_come_back(self) -> bool:
        """It was destroyed and its disk kept: a new machine can have that."""
        return self.is_destroyed and self.disk_kept

    @property
    def is_coming_back(self) -> bool:
        """A new machine is being made for the disk that was kept."""
        return self.destroyed_at is not None and not self.is_destroyed

    def rejects(self, kind: RunKind) -> bool:
        """Whether a run of that kind has nothing left to work on: of a destroyed one, only a kept disk can go."""
        return self.is_destroyed and not (self.disk_kept and kind is RunKind.DESTROY)

    @property
    def is_busy(self) -> bool:
        """Something is happening by itself, so a page about it should follow."""
        return self.status in {W.REQUESTED, *_UNDER_WAY}

    @property
    def can_destroy(self) -> bool:
        """Not yet on its way out."""
        return self.status not in {W.DESTROYED, W.DESTROYING}

    @property
    def can_change(self) -> bool:
        """It is there, or will be, and stays."""
        return self.can_destroy

    @property
    def is_off(self) -> bool:
        """Stopped, by whomever: it costs its disks and its address."""
        return self.status in _OFF

    @property
    def was_off(self) -> bool:
        """It was stopped when the run that is under way began."""
        return self.status_before in _OFF

    def can(self, order: RunKind) -> bool:
        """Whether this can be ordered of Google now. A failed machine is retried: it may be half changed."""
        return self.status in order.traits.orders_from

    @property
    def orders(self) -> list[RunKind]:
        """What can be ordered of Google now."""
        return [order for order in ORDERS if self.can(order)]

    @property
    def can_connect(self) -> bool:
        """Its address and host keys are known and it runs."""
        return self.is_running and bool(self.address) and bool(self.host_keys)

    def has_same_spec(self, other: "Workstation") -> bool:
        """Whether the two ask for the same machine."""
        return all(getattr(self, field) == getattr(other, field) for field in _WISH)

    def begin(self, run: Run) -> None:
        """A worker has claimed a run for it.

        While a kept disk is removed the machine stays destroyed; while only its keys change it stays what it is, and
        until its reset button was pressed as well.
        """
        if self.status not in _UNDER_WAY:
            self.status_before = self.status
        if not self.disk_kept:
            self.status = run.kind.traits.status_meanwhile or self.status

    def take(self, changes: dict[str, Any]) -> None:
        """A run has made it so: column → value."""
        for column, value in changes.items():
            setattr(self, column, value)

    def come_back(self, changes: dict[str, Any]) -> None:
        """A new machine was asked for, with the disk that was kept: column → value of what is another than before."""
        self.take(changes)
        self.status, self.disk_kept = W.REQUESTED, False

    def become_running(self, address: str, host_keys: dict[str, str], now: datetime) -> None:
        """The machine answers at this address with these host keys."""
        self.address, self.host_keys = address, host_keys
        self.status, self.running_at, self.destroyed_at = W.RUNNING, now, None

    def become_checked(self, drift_run_id: str | None, now: datetime) -> None:
        """It was compared with Google; differences were found where a run is given."""
        self.checked_at, self.drift_run_id = now, drift_run_id

    def record_report(self, report: MachineReport, now: datetime) -> bool:
        """What the machine says of itself by now; returns whether that is anything new.

        It comes the way its host keys came, so keys that changed with a boot are pinned as well: after one without the
        data disk, for example, where they are kept.
        """
        is_new = self.report != report.attributes
        self.report, self.reported_at = report.attributes, now
        if report.has_booted and report.host_keys:
            self.host_keys = report.host_keys
        return is_new

    def begin_restart(self) -> None:
        """Google was ordered to reset or start it."""
        self.status = W.STARTING

    def become_stopped(self) -> None:
        """Google has switched it off. Its address and host keys stay."""
        self.status = W.STOPPED
        self.report, self.reported_at = {}, None

    def become_destroyed(self, now: datetime, *, disk_kept: bool) -> None:
        """The machine is gone, and its disk too unless it was kept."""
        self.status, self.destroyed_at, self.disk_kept = W.DESTROYED, now, disk_kept
        self.address, self.host_keys = None, {}
        self.report, self.reported_at, self.drift_run_id = {}, None, None

    def keep_disk_size(self, disk_size_gb: int) -> None:
        """A run ended without success, and the data disk is so large: it cannot shrink, so nothing may ask for that."""
        self.disk_size_gb = max(self.disk_size_gb, disk_size_gb)

    def begin_undo(self) -> None:
        """Its making was cancelled: what there is of it goes."""
        self.status = W.DESTROYING

    def restore_status(self, now: datetime) -> None:
        """A run ended without having changed anything; one that left the status alone leaves it alone now."""
        if self.is_coming_back:
            self.status, self.disk_kept = W.DESTROYED, True
        elif self.status is W.REQUESTED:
            # Nothing was ever begun. A disk that was taken over was there before.
            self.become_destroyed(now, disk_kept=self.adopted_disk is not None)
        elif self.status in _UNDER_WAY:
            self.set_running_or_failed()

    def set_running_or_failed(self) -> None:
        """It is as it was where it was stopped; else it runs where it can be logged in to."""
        if self.was_off and self.status in _UNDER_WAY:
            self.status = self.status_before
            return
        self.status = W.RUNNING if self.address and self.host_keys else W.FAILED

    def become_failed(self) -> None:
        """The last run ended without success; what exists is in the state. Of a change of keys, or a
        restart before the button was pressed, the machine is none the worse."""
        if self.status in _UNDER_WAY:
            self.status = W.FAILED
