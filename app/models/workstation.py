"""A workstation: one member's virtual machine with its data disk and external IP. Its ID is its stack's ID."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.models.base import Base, stored_as_text
from app.models.gpus import has_built_in_gpu
from app.models.home_folder import HasHomeFolder
from app.models.idle_stop import StopsWhenIdle
from app.models.member import Member
from app.models.placement import Placement
from app.models.run import Run
from app.models.run_kinds import ORDERS, RunKind
from app.models.run_limit import HasRunLimit
from app.models.spot_return import ReturnsAfterPreemption
from app.models.stack import Stack
from app.models.workstation_states import FOLLOWS_GOOGLE, OFF, WorkstationStatus

DEVICE_PATH = "/dev/disk/by-id/google-home"
"""Where the data disk is in every workstation. The path is stable, because the attachment's device_name is "home"."""
MOUNT_POINT = "/home/jupyter"


W = WorkstationStatus
_UNDER_WAY = {W.PROVISIONING, W.UPDATING, W.DESTROYING, W.STARTING, W.STOPPING, W.SUSPENDING, W.WAITING_FOR_CAPACITY}


_SPEC_COLUMNS = (
    *("owner_id", "name", "image", "snapshot", "ends_on", "home_on_data_disk"),
    *("boot_disk_size_gb", "disk_size_gb", "disk_type", "disk_snapshot"),
)


class Workstation(StopsWhenIdle, ReturnsAfterPreemption, HasHomeFolder, HasRunLimit, Base):
    """The settings that its owner requested, and its current state."""

    __tablename__ = "workstations"
    __table_args__ = (
        Index("one_name_an_owner", "owner_id", "name", unique=True, postgresql_where=text("status <> 'destroyed'")),
    )

    id: Mapped[str] = mapped_column(ForeignKey("stacks.id"), primary_key=True)
    owner_id: Mapped[str] = mapped_column(ForeignKey("members.id"), index=True)
    name: Mapped[str]
    status_before: Mapped[WorkstationStatus] = mapped_column(stored_as_text(W), default=W.REQUESTED)
    """The status before the current run began."""

    machine_type: Mapped[str]
    accelerator: Mapped[str | None]
    accelerator_count: Mapped[int]
    zone: Mapped[str]
    image: Mapped[str]
    snapshot: Mapped[str | None]
    boot_disk_size_gb: Mapped[int]
    """The size of the boot disk. It can be larger than requested, because somebody enlarged it in Google's console."""
    disk_size_gb: Mapped[int]
    disk_type: Mapped[str]
    owner_label: Mapped[str]
    """Value of its label `stationmaster-owner` at Google."""
    made_as: Mapped[str | None]
    """What it was called when Google's resources got their names; None: as it is called now."""

    disk_snapshot: Mapped[str | None]
    """The snapshot from which its data disk is to be made, until a run has succeeded."""
    adopted_disk: Mapped[str | None]
    """The name at Google of a data disk that existed before the portal, and was adopted."""
    adopted_address: Mapped[str | None]
    """The name at Google of a static address that was adopted."""

    wait_hours: Mapped[int] = mapped_column(default=0)
    """For how long a creation, start or change waits if Google has no capacity, in hours; 0: it fails."""

    disk_kept: Mapped[bool] = mapped_column(default=False)
    """It was deleted, but its data disk exists and is billed."""

    checked_at: Mapped[datetime | None]
    """When a plan last compared it with Google."""
    drift_run_id: Mapped[str | None]
    """The check that found drift, until a run corrects it or a later check finds none."""

    created_at: Mapped[datetime]
    destroyed_at: Mapped[datetime | None]

    owner: Mapped[Member] = relationship(lazy="raise")
    stack: Mapped[Stack] = relationship(lazy="raise")

    @property
    def noun(self) -> str:
        """What it is called in sentences."""
        return "workstation"

    @property
    def resource_name(self) -> str:
        """The name at Google. It contains the stack's ID, so that it is unique."""
        return f"{self.made_as or self.name}-{self.id}"

    @property
    def disk_name(self) -> str:
        """The data disk's name at Google."""
        return self.adopted_disk or f"{self.resource_name}-home"

    @property
    def placement(self) -> Placement:
        """Where it is, or is being created, and as what."""
        return Placement(self.zone, self.machine_type, self.spot)

    @property
    def has_drifted(self) -> bool:
        """Whether the last check found changes made outside the portal."""
        return self.drift_run_id is not None

    @property
    def has_failed(self) -> bool:
        """Whether the last run that changed it failed, and left what exists as it is."""
        return self.status is W.FAILED

    @property
    def is_destroyed(self) -> bool:
        """Whether it was deleted, with or without its disk."""
        return self.status is W.DESTROYED

    @property
    def can_come_back(self) -> bool:
        """Whether a new machine can be created from its kept disk."""
        return self.is_destroyed and self.disk_kept

    @property
    def is_coming_back(self) -> bool:
        """Whether a new machine is being created from its kept disk."""
        return self.destroyed_at is not None and not self.is_destroyed

    @property
    def can_snapshot(self) -> bool:
        """Whether it has a data disk that nothing is being done to."""
        return self.status in FOLLOWS_GOOGLE or self.has_failed

    def rejects(self, kind: RunKind) -> bool:
        """Whether a run of that kind has nothing to do. After a deletion, only a kept disk can be deleted."""
        return self.is_destroyed and not (self.disk_kept and kind is RunKind.DESTROY)

    @property
    def is_busy(self) -> bool:
        """Whether its status will change without anybody's action, so that pages should follow it."""
        return self.status in {W.REQUESTED, *_UNDER_WAY}

    @property
    def can_destroy(self) -> bool:
        """Whether it can be deleted."""
        return self.status not in {W.DESTROYED, W.DESTROYING}

    @property
    def can_change(self) -> bool:
        """Whether its settings can be changed."""
        return self.can_destroy

    @property
    def was_off(self) -> bool:
        """Whether it was stopped when the current run began."""
        return self.status_before in OFF

    @property
    def has_gpu(self) -> bool:
        """Whether its machine has a GPU."""
        return self.accelerator is not None or has_built_in_gpu(self.machine_type)

    def can(self, order: RunKind) -> bool:
        """Whether this order can be requested now."""
        is_possible = not (self.has_gpu and order.traits.without_gpu)
        return self.status in order.traits.orders_from and is_possible

    @property
    def orders(self) -> list[RunKind]:
        """The orders that can be requested now."""
        return [order for order in ORDERS if self.can(order)]

    @property
    def can_connect(self) -> bool:
        """Whether it runs, with a known address and known host keys."""
        return self.is_running and bool(self.address) and bool(self.host_keys)

    @property
    def is_in_ssh_files(self) -> bool:
        """Whether SSH clients are told of it: also while it is off, since it keeps its address and host keys."""
        is_there = self.status not in {W.DESTROYING, W.DESTROYED}
        return is_there and bool(self.address) and bool(self.host_keys)

    def has_same_spec(self, other: "Workstation", requested: Placement) -> bool:
        """Whether both were requested with the same settings.

        :param requested: what was asked for first, where a run has tried others since.
        """
        same = all(getattr(self, field) == getattr(other, field) for field in _SPEC_COLUMNS)
        return same and requested == other.placement

    def begin(self, run: Run) -> None:
        """A worker has claimed a run for it."""
        if self.status not in _UNDER_WAY:
            self.status_before = self.status
        if not self.disk_kept:
            self.status = run.kind.traits.status_meanwhile or self.status

    def take(self, changes: dict[str, Any]) -> None:
        """Take over what a run has applied: column → value."""
        for column, value in changes.items():
            setattr(self, column, value)

    def come_back(self, changes: dict[str, Any]) -> None:
        """Become a new machine with the kept disk. `changes` are the settings that differ from before: column →
        value."""
        self.take(changes)
        self.status, self.disk_kept = W.REQUESTED, False

    def hand_over(self, to: Member, name: str) -> None:
        """It is somebody else's now, who calls it so; at Google it keeps its name.

        A machine keeps its account: files and processes belong to that. A new one for a kept disk gets the new owner's.
        """
        self.made_as = None if name == (self.made_as or self.name) else self.made_as or self.name
        self.owner_id, self.name, self.owner_label = to.id, name, to.ssh_username
        if self.is_destroyed:
            self.ssh_username = to.ssh_username

    def become_running(self, address: str, host_keys: dict[str, str], now: datetime) -> None:
        """The machine is ready at this address, with these host keys."""
        self.address, self.host_keys = address, host_keys
        self.status, self.running_at, self.destroyed_at = W.RUNNING, now, None

    def become_checked(self, drift_run_id: str | None, now: datetime) -> None:
        """A check for drift has finished; `drift_run_id` is its run if it found differences, else None."""
        self.checked_at, self.drift_run_id = now, drift_run_id

    def begin_restart(self) -> None:
        """Google has accepted an order to reset or start it."""
        self.status = W.STARTING

    def become_stopped(self) -> None:
        """Google has stopped it. Its address and host keys stay the same."""
        self.status = W.STOPPED
        self.forget_report()

    def become_suspended(self) -> None:
        """Google has suspended it. Its report stays true: it goes on without a boot."""
        self.status = W.SUSPENDED

    def become_destroyed(self, now: datetime, *, disk_kept: bool) -> None:
        """The machine was deleted, and its disk as well unless it was kept."""
        self.status, self.destroyed_at, self.disk_kept = W.DESTROYED, now, disk_kept
        self.address, self.host_keys = None, {}
        self.reached_at, self.drift_run_id = None, None
        self.set_end(None, now)
        self.set_opened(None, now)
        self.forget_report()

    def keep_disk_size(self, disk_size_gb: int) -> None:
        """The disk has this size, even if the run that enlarged it failed. Disks cannot shrink."""
        self.disk_size_gb = max(self.disk_size_gb, disk_size_gb)

    def keep_boot_disk_size(self, boot_disk_size_gb: int) -> None:
        """The boot disk is so large, by a run or by somebody in Google's console; it cannot shrink either."""
        self.boot_disk_size_gb = max(self.boot_disk_size_gb, boot_disk_size_gb)

    def begin_undo(self) -> None:
        """Its creation was canceled, so its resources are being deleted."""
        self.status = W.DESTROYING

    def restore_status(self, now: datetime) -> None:
        """A run ended without changing anything."""
        if self.is_coming_back:
            self.status, self.disk_kept = W.DESTROYED, True
        elif W.REQUESTED in {self.status, self._status_before_wait}:
            # It never existed. A disk that was adopted existed before.
            self.become_destroyed(now, disk_kept=self.adopted_disk is not None)
        # A run that did not change the status does not change it now.
        elif self.status in _UNDER_WAY:
            self.set_running_or_failed()

    @property
    def _status_before_wait(self) -> WorkstationStatus | None:
        return self.status_before if self.status is W.WAITING_FOR_CAPACITY else None

    def await_capacity(self) -> None:
        """Google has no capacity for the machine; its run waits."""
        self.status = W.WAITING_FOR_CAPACITY

    def set_running_or_failed(self) -> None:
        """Set the status from what is known: as it was if it did not run, running if SSH is possible, else failed."""
        if self.status in _UNDER_WAY and self.status_before in FOLLOWS_GOOGLE - {W.RUNNING}:
            self.status = self.status_before
            return
        self.status = W.RUNNING if self.address and self.host_keys else W.FAILED

    def become_failed(self) -> None:
        """The last run failed; the Terraform state has what exists."""
        # A failed change of keys, or a restart that Google did not accept, leaves the status as it was.
        if self.status in _UNDER_WAY:
            self.status = W.FAILED
