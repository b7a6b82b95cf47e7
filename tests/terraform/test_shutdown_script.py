"""The shutdown script: at a preemption, and only then, the owner's hook runs as its owner and for a short time."""

import os
import subprocess
import time
from pathlib import Path

import pytest

from tests.terraform.machine import MODULE, Machine

SCRIPT = MODULE / "shutdown.sh"
PATIENCE_S = 60


def shut_down(machine: Machine, preempted: str = "TRUE", seconds: float = 25) -> str:
    """What the script prints; Google's metadata server says this about a preemption."""
    (machine.folder / "preempted").write_text(preempted)
    environment = {
        "PATH": f"{machine.folder}/bin:{os.environ['PATH']}",
        "STAND_IN": str(machine.folder),
        "STATIONMASTER_MOUNT_POINT": str(machine.mount_point),
        "STATIONMASTER_HOOK_SECONDS": str(seconds),
    }
    result = subprocess.run(["bash", str(SCRIPT)], env=environment, capture_output=True, text=True, check=True)
    return result.stdout


@pytest.fixture
def hook(machine: Machine) -> Path:
    """One that writes down that it ran."""
    machine.mount_point.mkdir(parents=True, exist_ok=True)
    file = machine.mount_point / ".on-preempt"
    file.write_text("#!/bin/sh\necho saving in $PWD\necho saved >checkpoint\necho trouble >&2\n")
    file.chmod(0o700)
    return file


def test_a_preemption_runs_the_hook_and_keeps_what_it_prints(machine: Machine, hook: Path) -> None:
    said = shut_down(machine)
    log = hook.with_name(".on-preempt.log").read_text().splitlines()

    assert "The hook ended with 0." in said
    assert (machine.mount_point / "checkpoint").read_text() == "saved\n"
    assert log[0].startswith("Preempted at 2")
    assert log[1:] == [f"saving in {machine.mount_point}", "trouble"]
    assert machine.calls("sudo")[0].startswith(f"sudo -H -u #{hook.stat().st_uid} -- ")


@pytest.mark.parametrize("preempted", ["FALSE", "", "<html>"])
def test_any_other_stop_does_not(machine: Machine, hook: Path, preempted: str) -> None:
    assert shut_down(machine, preempted) == ""
    assert not (machine.mount_point / "checkpoint").exists()


def test_without_a_metadata_server_nothing_runs(machine: Machine, hook: Path) -> None:
    machine.break_command("curl")
    assert shut_down(machine) == ""


def test_a_file_that_cannot_be_executed_is_no_hook(machine: Machine, hook: Path) -> None:
    hook.chmod(0o600)
    assert "There is no" in shut_down(machine)
    hook.unlink()
    hook.mkdir()
    assert "There is no" in shut_down(machine)


def test_a_hook_that_hangs_is_ended(machine: Machine, hook: Path) -> None:
    hook.write_text("#!/bin/sh\necho begins\nexec tail -f /dev/null\n")
    assert "The hook ended with 124." in shut_down(machine, seconds=0.5)
    assert hook.with_name(".on-preempt.log").read_text().endswith("begins\n")


def test_the_owners_user_units_come_back_without_a_login(machine: Machine) -> None:
    machine.attach_disk()
    machine.boot()
    # In the background, as the account may not be there yet.
    deadline = time.monotonic() + PATIENCE_S
    while "loginctl enable-linger grace" not in machine.calls("loginctl"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
