"""What a change of a workstation does to it, before Terraform says so: terraform/README.md has the same as a table."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from app.models.workstation import MOUNT_POINT


class Severity(IntEnum):
    """How much of the machine a change costs."""

    IN_PLACE = 0
    STOPS = 1
    REPLACES = 2
    LOSES_DISK = 3


@dataclass(frozen=True)
class Consequence:
    """What one part of a change does, in a sentence."""

    severity: Severity
    sentence: str


_REPLACED = f"the machine is replaced, and what is outside {MOUNT_POINT} is lost"
_EMPTY = f"the data disk is made anew, empty: all that is in {MOUNT_POINT} is lost"


def of(before: Mapping[str, Any], after: Mapping[str, Any], *, has_snapshot: bool) -> list[Consequence]:
    """What becomes of the machine, the worst first.

    :param before: the workstation's columns as they are; `after`, as they are to be.
    :param has_snapshot: it boots from one, so that the image does not matter.
    """
    found = []
    if after["accelerator"] != before["accelerator"]:
        done = "A GPU is added" if after["accelerator"] else f"The {before['accelerator']} is taken off"
        found.append(Consequence(Severity.REPLACES, f"{done}: {_REPLACED}."))
    elif after["machine_type"] != before["machine_type"]:
        sentence = f"The machine becomes {after['machine_type']}: it is stopped for that, and started again."
        found.append(Consequence(Severity.STOPS, sentence))
    if after["image"] != before["image"] and not has_snapshot:
        found.append(Consequence(Severity.REPLACES, f"It boots from another image: {_REPLACED}."))
    if after["spot"] != before["spot"]:
        found.append(
            Consequence(Severity.REPLACES, f"Spot is switched {'on' if after['spot'] else 'off'}: {_REPLACED}.")
        )
    found += _of_disk(before, after)
    return sorted(found, key=lambda consequence: -consequence.severity)


def _of_disk(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Consequence]:
    size, was = after["disk_size_gb"], before["disk_size_gb"]
    if after["disk_type"] != before["disk_type"]:
        return [Consequence(Severity.LOSES_DISK, f"A disk cannot change its type: {_EMPTY}.")]
    if size < was:
        return [Consequence(Severity.LOSES_DISK, f"A disk cannot shrink: {_EMPTY}.")]
    if size > was:
        return [Consequence(Severity.IN_PLACE, f"The data disk grows to {size} GB while the machine runs.")]
    return []
