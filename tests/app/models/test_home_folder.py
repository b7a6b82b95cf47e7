"""Where a workstation's home folder is, by what was chosen and what the machine reports."""

import pytest

from app.models import Workstation, WorkstationStatus
from app.models.home_folder import HomePlace


def place(told: str | None, *, chosen: bool, status: WorkstationStatus = WorkstationStatus.RUNNING) -> HomePlace:
    report = {} if told is None else {"home": told}
    machine = Workstation(status=status, report=report, home_on_data_disk=chosen, ssh_username="grace")
    return machine.home_place


@pytest.mark.parametrize(
    ("told", "chosen", "is_"),
    [
        (None, False, HomePlace.BOOT_DISK),
        ("boot", False, HomePlace.BOOT_DISK),
        ("data grace", False, HomePlace.RETURNS_TO_BOOT_DISK),
        (None, True, HomePlace.MOVES_TO_DATA_DISK),
        ("boot", True, HomePlace.MOVES_TO_DATA_DISK),
        ("data grace", True, HomePlace.DATA_DISK),
        # Handed over: the owner's own home folder follows with the next start.
        ("data linus", True, HomePlace.MOVES_TO_DATA_DISK),
        ("boot It could not be copied.", True, HomePlace.FAILED),
    ],
)
def test_a_running_machine_says_where_it_is(told: str | None, *, chosen: bool, is_: HomePlace) -> None:
    assert place(told, chosen=chosen) is is_


@pytest.mark.parametrize(("chosen", "will_be"), [(True, HomePlace.DATA_DISK), (False, HomePlace.BOOT_DISK)])
def test_one_that_does_not_run_follows_the_choice_when_it_starts(*, chosen: bool, will_be: HomePlace) -> None:
    assert place("boot", chosen=chosen, status=WorkstationStatus.SUSPENDED) is will_be
