"""What a workstation takes over of its machine's reports."""

from datetime import UTC, datetime, timedelta

from app.models import Workstation, WorkstationStatus
from app.models.machine_report import MachineReport

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def test_the_last_use_outlives_a_stop_and_is_never_in_the_future() -> None:
    machine = Workstation(status=WorkstationStatus.RUNNING, report={}, host_keys={})
    machine.record_report(MachineReport.read({}), NOW)
    assert machine.used_at is None
    used = NOW - timedelta(hours=1)
    machine.record_report(MachineReport.read({"used": used.isoformat()}), NOW)
    machine.become_stopped()
    machine.record_report(MachineReport.read({"used": (used - timedelta(days=1)).isoformat()}), NOW)
    assert machine.used_at == used
    machine.record_report(MachineReport.read({"used": "9999-01-01T00:00:00Z"}), NOW)
    assert machine.used_at == NOW
