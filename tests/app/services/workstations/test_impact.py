"""What a change does to a machine: nothing worse than the table in terraform/README.md, and nothing left unsaid."""

import pytest

from app.services.workstations import impact
from app.services.workstations.impact import Severity

NOW = {
    "machine_type": "e2-standard-4",
    "accelerator": None,
    "image": "a/plain",
    "spot": False,
    "boot_disk_size_gb": 50,
    "disk_size_gb": 100,
    "disk_type": "pd-balanced",
    "zone": "europe-west4-a",
    "home_on_data_disk": False,
}


@pytest.mark.parametrize(
    ("changes", "severities"),
    [
        ({}, []),
        ({"disk_size_gb": 200}, [Severity.IN_PLACE]),
        ({"boot_disk_size_gb": 80}, [Severity.IN_PLACE]),
        ({"home_on_data_disk": True}, [Severity.IN_PLACE]),
        ({"machine_type": "e2-standard-8"}, [Severity.STOPS]),
        ({"machine_type": "n1-standard-8", "accelerator": "nvidia-tesla-t4"}, [Severity.REPLACES]),
        ({"image": "a/other"}, [Severity.REPLACES]),
        ({"spot": True}, [Severity.REPLACES]),
        ({"zone": "europe-west4-b"}, [Severity.REPLACES, Severity.REPLACES]),
        ({"zone": "us-central1-a"}, [Severity.REPLACES, Severity.REPLACES, Severity.REPLACES]),
        ({"disk_size_gb": 50}, [Severity.LOSES_DISK]),
        ({"disk_type": "pd-ssd", "disk_size_gb": 200}, [Severity.LOSES_DISK]),
        ({"machine_type": "e2-standard-8", "disk_size_gb": 50}, [Severity.LOSES_DISK, Severity.STOPS]),
    ],
)
def test_each_change_says_what_it_costs_the_worst_first(changes: dict[str, object], severities: list[Severity]) -> None:
    found = impact.of(NOW, NOW | changes, has_snapshot=False)
    assert [effect.severity for effect in found] == severities


def test_the_image_does_not_matter_to_what_boots_from_a_snapshot() -> None:
    assert impact.of(NOW, NOW | {"image": "a/other"}, has_snapshot=True) == []


def test_taking_a_gpu_off_replaces_the_machine() -> None:
    before = NOW | {"machine_type": "n1-standard-8", "accelerator": "nvidia-tesla-t4"}
    [effect] = impact.of(before, NOW, has_snapshot=False)
    assert effect.severity is Severity.REPLACES
    assert "Removing the nvidia-tesla-t4" in effect.sentence


def test_what_is_replaced_is_not_stopped_and_started_as_well() -> None:
    found = impact.of(
        NOW, NOW | {"machine_type": "e2-standard-8", "spot": True, "disk_size_gb": 200}, has_snapshot=False
    )

    assert [effect.severity for effect in found] == [Severity.REPLACES, Severity.IN_PLACE]
    assert not any("while the machine runs" in effect.sentence for effect in found)


@pytest.mark.parametrize(
    ("before", "changes", "sentence"),
    [
        ({}, {"home_on_data_disk": True}, "The home folder is copied to the data disk when the machine next starts."),
        (
            {"home_on_data_disk": True},
            {"home_on_data_disk": False},
            "The home folder is on the boot disk again when the machine next starts. "
            "Its files on the data disk stay in /home/jupyter/.home.",
        ),
        (
            {},
            {"home_on_data_disk": True, "image": "a/other"},
            "From then on, the home folder is on the data disk. What is in it now is deleted with the boot disk, "
            "unless you apply this change first by itself, and restart the machine.",
        ),
    ],
)
def test_what_becomes_of_the_home_folder_is_said(
    before: dict[str, object], changes: dict[str, object], sentence: str
) -> None:
    now = NOW | before
    assert sentence in [effect.sentence for effect in impact.of(now, now | changes, has_snapshot=False)]
