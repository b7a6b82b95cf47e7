"""The effect of a change on a workstation, predicted before Terraform plans it (table: terraform/README.md)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from app.infra.zones import region_of
from app.models.workstation import MOUNT_POINT
from app.services.catalog import Catalog, series


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


_HOMES = f"{MOUNT_POINT}/.home"
_REPLACED = f"the machine is replaced, and files outside {MOUNT_POINT} are deleted"
_EMPTY = f"the data disk is recreated empty, and all files in {MOUNT_POINT} are deleted"


def of(
    before: Mapping[str, Any], after: Mapping[str, Any], *, has_snapshot: bool, catalog: Catalog | None = None
) -> list[Effect]:
    """The effects on the machine, most severe first.

    :param before: the workstation's columns now.
    :param after: the workstation's columns after the change.
    :param has_snapshot: whether it boots from a snapshot, so that its image does not matter.
    :param catalog: names GPUs; without it, only the severities count.
    """
    reasons = list(_reasons_to_replace(before, after, has_snapshot=has_snapshot, catalog=catalog))
    # What a machine that is created anew starts with needs no restart of its own.
    found = [Effect(Severity.REPLACES, f"{reason}: {_REPLACED}.") for reason in reasons[:1]]
    found += [Effect(Severity.REPLACES, f"{reason}, in the same step.") for reason in reasons[1:]]
    if not reasons and after["machine_type"] != before["machine_type"]:
        sentence = f"Changing the machine type to {after['machine_type']}: the machine is stopped and started again."
        found.append(Effect(Severity.STOPS, sentence))
    if reasons and _moves(before, after):
        found += _of_move(before["zone"], after["zone"])
    for of_part in (_of_boot_disk, _of_disk, _of_home):
        found += of_part(before, after, is_new=bool(reasons))
    return sorted(found, key=lambda effect: -effect.severity)


def _reasons_to_replace(
    before: Mapping[str, Any], after: Mapping[str, Any], *, has_snapshot: bool, catalog: Catalog | None
) -> Iterator[str]:
    if _moves(before, after):
        yield f"Moving to {after['zone']}"
    gpu_before, gpu_after = _gpu(before, catalog), _gpu(after, catalog)
    if gpu_before != gpu_after and gpu_before and gpu_after:
        yield f"Replacing the {gpu_before} by the {gpu_after}"
    elif gpu_before != gpu_after:
        yield f"Adding the {gpu_after}" if gpu_after else f"Removing the {gpu_before}"
    elif not series.changes_in_place(before["machine_type"], after["machine_type"]):
        yield f"Google cannot change {before['machine_type']} to {after['machine_type']} in place"
    if after["image"] != before["image"] and not has_snapshot:
        yield "Changing the image"
    if after["spot"] != before["spot"]:
        yield f"Switching Spot {'on' if after['spot'] else 'off'}"


def _moves(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    return bool(before["zone"] != after["zone"])


def _of_move(zone: str, to: str) -> list[Effect]:
    disk = (
        "The machine is stopped, and the data disk moves by a snapshot, which is kept. No files on it are lost. "
        "Afterwards the machine runs there, even if it is stopped now."
    )
    effects = [Effect(Severity.REPLACES, disk)]
    if region_of(zone) != region_of(to):
        effects.append(Effect(Severity.REPLACES, "The external IP changes, as it belongs to a region."))
    return effects


def _gpu(columns: Mapping[str, Any], catalog: Catalog | None) -> str | None:
    """The GPU, attached or part of the machine type."""
    machine = catalog.machine_type(columns["machine_type"]) if catalog else None
    return machine.gpu if machine else columns["accelerator"]


def stops(before: Mapping[str, Any], changes: Mapping[str, Any], *, has_snapshot: bool) -> bool:
    """Whether these changes (column → value) stop or replace the machine."""
    effects = of(before, {**before, **changes}, has_snapshot=has_snapshot)
    return any(effect.severity >= Severity.STOPS for effect in effects)


def _of_boot_disk(before: Mapping[str, Any], after: Mapping[str, Any], *, is_new: bool) -> list[Effect]:
    size = after["boot_disk_size_gb"]
    if size == before["boot_disk_size_gb"]:
        return []
    how = "." if is_new else " while the machine runs. Programs see it after the next restart."
    return [Effect(Severity.IN_PLACE, f"The boot disk is enlarged to {size} GB{how}")]


def _of_disk(before: Mapping[str, Any], after: Mapping[str, Any], *, is_new: bool) -> list[Effect]:
    size, was = after["disk_size_gb"], before["disk_size_gb"]
    if after["disk_type"] != before["disk_type"]:
        return [Effect(Severity.LOSES_DISK, f"Changing the disk type: {_EMPTY}.")]
    if size < was:
        return [Effect(Severity.LOSES_DISK, f"Reducing the disk: {_EMPTY}.")]
    if size > was:
        how = "" if is_new else " while the machine runs"
        return [Effect(Severity.IN_PLACE, f"The data disk is enlarged to {size} GB{how}.")]
    return []


def _of_home(before: Mapping[str, Any], after: Mapping[str, Any], *, is_new: bool) -> list[Effect]:
    is_kept = after["home_on_data_disk"]
    if is_kept == before["home_on_data_disk"]:
        return []
    when = "" if is_new else " when the machine next starts"
    if not is_kept:
        sentence = f"The home folder is on the boot disk again{when}. Its files on the data disk stay in {_HOMES}."
    elif is_new:
        sentence = (
            "From then on, the home folder is on the data disk. What is in it now is deleted with the boot disk, "
            "unless you apply this change first by itself, and restart the machine."
        )
    else:
        sentence = f"The home folder is copied to the data disk{when}."
    return [Effect(Severity.IN_PLACE, sentence)]
