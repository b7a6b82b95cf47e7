"""The part of a workstation that follows what Google says of its machine, and what the machine says of itself."""

from datetime import datetime

from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.models.activity import Activity
from app.models.base import stored_as_text
from app.models.machine_health import Health, Level, Seen, judge
from app.models.machine_report import ACTIVITY, MachineReport
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
    google_id: Mapped[str | None] = mapped_column(index=True)
    """Google's number of the machine, by which its posts are known to be its own; None while there is no machine."""
    google_status_since: Mapped[datetime | None]
    """When that was noticed."""
    running_since: Mapped[datetime | None]
    """Since when Google runs it, by Google's clock; None while it does not. Earlier times are in `running_times`."""
    used_at: Mapped[datetime | None]
    """When somebody was last logged in, as the machine reports it."""

    address: Mapped[str | None]
    host_keys: Mapped[dict[str, str]] = mapped_column(JSONB, default=dict)
    """SSH host keys as the machine published them: algorithm → base64, such as {"ssh-ed25519": "AAAA…"}."""
    running_at: Mapped[datetime | None]

    asked_at: Mapped[datetime | None]
    """When a worker last went to look at the machine, whether or not it found out anything."""
    probed_at: Mapped[datetime | None]
    """When a worker last tried its SSH port."""
    reached_at: Mapped[datetime | None]
    """When that last answered."""
    unreachable_since: Mapped[datetime | None]
    """Since when it does not; None while it does."""
    health_level: Mapped[Level] = mapped_column(stored_as_text(Level), default=Level.UNKNOWN, index=True)
    """The level of `health`, for searches."""

    @property
    def is_running(self) -> bool:
        """Whether the machine can be used."""
        return self.status is W.RUNNING

    @property
    def machine(self) -> MachineReport:
        """The machine's last report: boot, disk, GPU driver, memory."""
        return MachineReport.read(self.report)

    @property
    def activity(self) -> Activity | None:
        """The newest record of what the machine does; None if there is none since it was last started."""
        return Activity.parse(self.report.get(ACTIVITY, ""))

    @property
    def is_without_disk(self) -> bool:
        """Whether it is running and reports that its data disk is not mounted."""
        mount = self.machine.mount
        return self.is_running and mount is not None and not mount.is_mounted

    @property
    def health(self) -> Health:
        """How the machine was when a worker last looked; nothing is known of one that does not run."""
        if not self.is_running:
            return Health()
        since = max((at for at in (self.running_at, self.google_status_since) if at), default=None)
        seen = Seen(self.reported_at, since, self.address, self.reached_at, self.probed_at, self.unreachable_since)
        return judge(self.machine, seen)

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
        self.forget_report()
        return True

    def record_report(self, report: MachineReport, now: datetime) -> bool:
        """Store a report of the machine; returns whether it is new."""
        attributes = self._with_newest_activity(report.attributes, now)
        is_new = self.report != attributes
        self.report, self.reported_at, self.asked_at = attributes, now, now
        if report.used_at:
            # The machine's clock may be ahead, and what it reported before a boot may be newer.
            self.used_at = max(min(report.used_at, now), self.used_at or report.used_at)
        # Host keys may change with a boot, for example without the data disk, where they are kept.
        if report.has_booted and report.host_keys:
            self.host_keys = report.host_keys
        self.health_level = self.health.level
        return is_new

    def record_posted_activity(self, text: str, now: datetime) -> bool:
        """Store what the machine itself posted of what it does; returns whether it is newer than what is known."""
        attributes = self._with_newest_activity({**self.report, ACTIVITY: text}, now)
        is_new = self.report != attributes
        self.report = attributes
        return is_new

    def _with_newest_activity(self, attributes: dict[str, str], now: datetime) -> dict[str, str]:
        """A record counts once, whether it was posted or read, and an older one does not replace it."""
        known, new = self.activity, Activity.parse(attributes.get(ACTIVITY, ""))
        is_known = known is not None and known.is_current(now) and (new is None or new.at <= known.at)
        return {**attributes, ACTIVITY: self.report[ACTIVITY]} if is_known else attributes

    def record_probe(self, now: datetime, *, answers: bool) -> None:
        """Its SSH port was tried."""
        self.probed_at = now
        if answers:
            self.reached_at, self.unreachable_since = now, None
        else:
            self.unreachable_since = self.unreachable_since or now
        self.health_level = self.health.level

    def forget_report(self) -> None:
        """The machine is not what it was: nothing that was seen of it counts any more."""
        self.report, self.reported_at, self.asked_at = {}, None, None
        self.probed_at, self.unreachable_since = None, None
        self.health_level = Level.UNKNOWN
