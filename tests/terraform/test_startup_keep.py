"""The command keep, which the startup script puts on the machine."""

import subprocess
from datetime import UTC, datetime, timedelta

import pytest

from tests.terraform.machine import Machine


def keep(machine: Machine, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Somebody types it."""
    path = f"{machine.folder / 'bin'}:/usr/bin:/bin"
    return subprocess.run(
        [machine.programs_folder / "keep", *arguments],
        env={"PATH": path, "STAND_IN": str(machine.folder)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("typed", "kept"),
    [("4h", timedelta(hours=4)), ("30m", timedelta(minutes=30)), ("7d", timedelta(days=7))],
)
def test_it_tells_the_portal_until_when(machine: Machine, typed: str, kept: timedelta) -> None:
    machine.boot()
    before = datetime.now(UTC).replace(microsecond=0)
    done = keep(machine, typed)
    assert done.returncode == 0
    until = datetime.fromisoformat(machine.told("keep"))
    assert before + kept <= until <= datetime.now(UTC) + kept
    assert machine.told("keep") in done.stdout


def test_the_portals_own_answer_is_printed_where_it_takes_the_post(machine: Machine) -> None:
    (machine.folder / "portal").write_text("https://portal.example")
    (machine.folder / "answer").write_text('{"sentence": "Kept running until 18:40 CET."}')
    machine.boot()
    done = keep(machine, "4h")
    assert (done.returncode, done.stdout) == (0, "Kept running until 18:40 CET.\n")
    assert machine.told("keep") == ""
    [posted] = [call for call in machine.calls("curl") if call.endswith("https://portal.example/api/v1/machine/keep")]
    assert '{"minutes": 240}' in posted
    assert "a-token" not in posted


@pytest.mark.parametrize("answered", ["", "<html>", '{"error": {}}'])
def test_another_answer_is_none(machine: Machine, answered: str) -> None:
    (machine.folder / "portal").write_text("https://portal.example")
    (machine.folder / "answer").write_text(answered)
    machine.boot()
    done = keep(machine, "4h")
    assert done.returncode == 0
    assert machine.told("keep") in done.stdout
    assert machine.told("keep")


@pytest.mark.parametrize(
    "typed", [[], ["4"], ["0h"], ["-4h"], ["8d"], ["999h"], ["4h", "now"], ["4h; reboot"], ["a[$(id)]h"]]
)
def test_what_makes_no_sense_is_refused_with_an_example(machine: Machine, typed: list[str]) -> None:
    machine.boot()
    done = keep(machine, *typed)
    assert done.returncode == 2
    assert "keep 4h" in done.stderr
    assert machine.told("keep") == ""


def test_it_says_that_the_portal_could_not_be_told(machine: Machine) -> None:
    machine.boot()
    machine.break_command("curl")
    done = keep(machine, "4h")
    assert done.returncode == 1
    assert "Keep the machine running on its page" in done.stderr


def test_a_boot_goes_on_where_it_cannot_be_written(machine: Machine) -> None:
    machine.programs_folder.rmdir()
    machine.attach_disk()
    code, said = machine.boot()
    assert code == 0
    assert "The command keep is not there." in said
