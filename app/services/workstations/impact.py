"""The effect of a change on a workstation, predicted before Terraform plans it (table: terraform/README.md)."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from app.models.workstation import MOUNT_POINT
from app.services.catalog import series


class Severity(IntEnum):
    """The severity of an effect on a machine."""

    IN_PLACE = 0
    STOPS = 1
    REPLACES = 2
    LOSES_DISK = 3


@dataclass(frozen=True)
class Effect:
    """The effect of one part of a change, as a sentence."""

    severity: Severity
    sentence: str


_REPLACED = f"the machine is replaced, and files outside {MOUNT_POINT} are deleted"
_EMPTY = f"the data disk is recreated empty, and all files in {MOUNT_POINT} are deleted"


def of(before: Mapping[str, Any], after: Mapping[str, Any], *, has_snapshot: bool) -> list[Effect]:
    """The effects on the machine, most severe first.

    :param before: the workstation's columns now.
    :param after: the workstation's columns after the change.
    :param has_snapshot: whether it boots from a snapshot, so that its image does not matter.
    """
    found = []
    # Checked first, because it implies a change of machine type as well.
    if after["accelerator"] != before["accelerator"]:
        change = "Adding a GPU" if after["accelerator"] else f"Removing the {before['accelerator']}"
        found.append(Effect(Severity.REPLACES, f"{change}: {_REPLACED}."))
    elif not series.changes_in_place(before["machine_type"], after["machine_type"]):
        change = f"Google cannot change {before['machine_type']} to {after['machine_type']} in place"
        found.append(Effect(Severity.REPLACES, f"{change}: {_REPLACED}."))
    elif after["machine_type"] != before["machine_type"]:
        sentence = f"Changing the machine type to {after['machine_type']}: the machine is stopped and started again."
        found.append(Effect(Severity.STOPS, sentence))
    if after["image"] != before["image"] and not has_snapshot:
        found.append(Effect(Severity.REPLACES, f"Changing the image: {_REPLACED}."))
    if after["spot"] != before["spot"]:
        found.append(Effect(Severity.REPLACES, f"Switching Spot {'on' if after['spot'] else 'off'}: {_REPLACED}."))
    found += [*_of_boot_disk(before, after), *_of_disk(before, after)]
    return sorted(found, key=lambda effect: -effect.severity)


def stops(before: Mapping[str, Any], changes: Mapping[str, Any], *, has_snapshot: bool) -> bool:
    """Whether these changes (column → value) stop or replace the machine."""
    effects = of(before, {**before, **changes}, has_snapshot=has_snapshot)
    return any(effect.severity >= Severity.STOPS for effect in effects)


def _of_boot_disk(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Effect]:
    size = after["boot_disk_size_gb"]
    if size == before["boot_disk_size_gb"]:
        return []
    sentence = f"The boot disk is enlarged to {size} GB while the machine runs. Programs see it after the next restart."
    return [Effect(Severity.IN_PLACE, sentence)]


def _of_disk(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Effect]:
    size, was = after["disk_size_gb"], before["disk_size_gb"]
    if after["disk_type"] != before["disk_type"]:
        return [Effect(Severity.LOSES_DISK, f"Changing the disk type: {_EMPTY}.")]
    if size < was:
        return [Effect(Severity.LOSES_DISK, f"Reducing the disk: {_EMPTY}.")]
    if size > was:
        return [Effect(Severity.IN_PLACE, f"The data disk is enlarged to {size} GB while the machine runs.")]
    return []
