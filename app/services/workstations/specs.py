"""The settings of machines: checked against the catalog, and converted to Terraform variables."""

import re
from datetime import date
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.config import JsonDict

from app.config import Settings
from app.errors import InvalidError
from app.models import Workstation
from app.models.capacity_wait import MOST_HOURS
from app.services.catalog import BOOT_DISK_GB, Catalog, Disks, MachineType, compatibility
from app.services.catalog.alternatives import OtherZones

NAME = re.compile(r"[a-z]([-a-z0-9]{0,28}[a-z0-9])?")
NAME_RULE = "Use 1 to 30 lower-case letters, digits and hyphens. Start with a letter, and end with a letter or digit."
DISK_SIZE_GB = range(10, 64_001)
BOOT_DISK_SIZE_GB = range(BOOT_DISK_GB, 64_001)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DAY_RULE = "Enter a day, such as 2026-03-31."
SNAPSHOT = re.compile(r"(projects/[-a-z0-9.:]{1,80}/global/snapshots/)?[a-z]([-a-z0-9]{0,61}[a-z0-9])?")

# Shown in the API document. pydantic's own pattern would report errors as a regular expression.
_NAME: JsonDict = {"pattern": f"^{NAME.pattern}$"}
_DISK_SIZE_GB: JsonDict = {"minimum": DISK_SIZE_GB.start, "maximum": DISK_SIZE_GB.stop - 1}
_BOOT_DISK_SIZE_GB: JsonDict = {"minimum": BOOT_DISK_SIZE_GB.start, "maximum": BOOT_DISK_SIZE_GB.stop - 1}
_SNAPSHOT: JsonDict = {"pattern": f"^{SNAPSHOT.pattern}$"}


def _whole(value: object) -> object:
    """JSON knows one kind of number: by JSON Schema, 50.0 is an integer as well."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


WholeNumber = Annotated[int, BeforeValidator(_whole)]


def _day(value: object) -> object:
    """A date from the one form that dates have in JSON and in forms: pydantic would take numbers and times as well."""
    if isinstance(value, date):
        return value
    if not (isinstance(value, str) and _DAY.fullmatch(value)):
        raise ValueError(_DAY_RULE)
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise ValueError(_DAY_RULE) from error


EndDate = Annotated[date, BeforeValidator(_day)]


class WorkstationSpec(BaseModel):
    """A new workstation, as a member requests it. `check` compares it with the catalog."""

    # Strict: a script that sends "yes" for true, or an unknown field, would get something else than it meant.
    model_config = ConfigDict(extra="forbid", strict=True)

    name: str = Field(
        description="Name, unique among its owner's workstations.", examples=["gpu-1"], json_schema_extra=_NAME
    )
    machine_type: str = Field(description="A machine type in the catalog.", examples=["g2-standard-8"])
    accelerator: str | None = Field(None, description="GPU to attach. Default: the machine type's own.")
    zone: str | None = Field(None, description="Zone. Default: the portal's default zone.", examples=["europe-west4-a"])
    boot_disk_size_gb: WholeNumber = Field(
        BOOT_DISK_GB, description="Size of the boot disk, in GB.", json_schema_extra=_BOOT_DISK_SIZE_GB
    )
    disk_size_gb: WholeNumber = Field(
        100, description="Size of the data disk at /home/jupyter, in GB.", json_schema_extra=_DISK_SIZE_GB
    )
    disk_type: str | None = Field(None, description="Type of the data disk. Default: the machine type's first.")
    image: str | None = Field(None, description="Boot image as project/family. Default: one for the machine type.")
    snapshot: str | None = Field(
        None, description="Snapshot to boot from instead of the image.", json_schema_extra=_SNAPSHOT
    )
    disk_snapshot: str | None = Field(
        None, description="ID of a snapshot of yours that the data disk starts from. Default: an empty disk."
    )
    spot: bool = Field(False, description="Use a Spot VM: cheaper, but Google can stop it at any time.")
    home_on_data_disk: bool = Field(False, description="Keep the home folder on the data disk.")
    other_zones: OtherZones = Field(
        "region", description="Where to try next if Google has no capacity: other zones of the region, all, or none."
    )
    other_pricing: bool = Field(False, description="Then try on demand instead of Spot, or Spot instead of on demand.")
    wait_hours: WholeNumber = Field(
        0,
        description="If there is none at all: for how many hours to wait for it. 0: do not wait.",
        json_schema_extra={"minimum": 0, "maximum": MOST_HOURS},
    )
    second_machine_type: str | None = Field(None, description="Then try this machine type.", examples=["g2-standard-4"])
    ends_on: EndDate | None = Field(
        None,
        description="The last day on which it is used. Then it is stopped, and later deleted, except for its disk.",
    )


class WorkstationPatch(BaseModel):
    """Changes to an existing workstation. Fields that are omitted or null stay the same."""

    model_config = ConfigDict(extra="forbid", strict=True)

    machine_type: str | None = Field(None, description="A machine type in the catalog.", examples=["g2-standard-12"])
    accelerator: str | None = Field(None, description="GPU to attach. Follows from the machine type.")
    boot_disk_size_gb: WholeNumber | None = Field(
        None,
        description="Size of the boot disk in GB. It can be enlarged, but not reduced.",
        json_schema_extra=_BOOT_DISK_SIZE_GB,
    )
    disk_size_gb: WholeNumber | None = Field(
        None,
        description="Size of the data disk in GB. If reduced, it is recreated empty.",
        json_schema_extra=_DISK_SIZE_GB,
    )
    disk_type: str | None = Field(None, description="Type of the data disk. If changed, the disk is recreated empty.")
    image: str | None = Field(None, description="Boot image as project/family. A default one follows a new GPU.")
    zone: str | None = Field(None, description="Zone to move it to. The data disk is moved by a snapshot.")
    spot: bool | None = Field(None, description="Use a Spot VM: cheaper, but Google can stop it at any time.")
    home_on_data_disk: bool | None = Field(
        None, description="Keep the home folder on the data disk, from the next start on."
    )


CHANGEABLE = (*WorkstationPatch.model_fields, "accelerator_count")
"""The columns of a workstation that a change can set."""


def check(spec: WorkstationSpec, catalog: Catalog, settings: Settings) -> dict[str, str]:
    """A sentence for each invalid field."""
    machine_type = catalog.machine_type(spec.machine_type)
    zone = spec.zone or settings.default_zone
    problems: dict[str, str | None] = {
        "name": None if NAME.fullmatch(spec.name) else NAME_RULE,
        "machine_type": None if machine_type else "This machine type is not available.",
        "zone": compatibility.zone_problem(zone, machine_type, catalog),
        "accelerator": compatibility.accelerator_problem(spec.accelerator, machine_type),
        "boot_disk_size_gb": None
        if spec.boot_disk_size_gb in BOOT_DISK_SIZE_GB
        else f"Enter a size from {BOOT_DISK_SIZE_GB.start} to 64,000 GB.",
        "disk_size_gb": None if spec.disk_size_gb in DISK_SIZE_GB else "Enter a size from 10 to 64,000 GB.",
        "disk_type": compatibility.disk_type_problem(spec.disk_type, machine_type, catalog),
        "image": compatibility.image_problem(spec.image, machine_type, catalog),
        "snapshot": None
        if spec.snapshot is None or SNAPSHOT.fullmatch(spec.snapshot)
        else "This is not a valid snapshot name.",
        "spot": compatibility.spot_problem(spec.spot, machine_type),
        "wait_hours": wait_hours_problem(spec.wait_hours),
        "second_machine_type": _second_type_problem(spec, catalog),
    }
    return {field: problem for field, problem in problems.items() if problem}


def wait_hours_problem(hours: int) -> str | None:
    """Why a run cannot wait for so long; None if it can."""
    return None if 0 <= hours <= MOST_HOURS else f"Enter a number of hours from 0 to {MOST_HOURS}."


def _second_type_problem(spec: WorkstationSpec, catalog: Catalog) -> str | None:
    """Why the second choice does not fit the rest of the request; None if it does."""
    if spec.second_machine_type is None:
        return None
    second = catalog.machine_type(spec.second_machine_type)
    if second is None:
        return "This machine type is not available."
    if spec.second_machine_type == spec.machine_type:
        return "Choose another machine type than the first one."
    first = catalog.machine_type(spec.machine_type)
    disk_type = spec.disk_type or (first.disk_types[0] if first else None)
    return compatibility.disk_type_problem(disk_type, second, catalog) or compatibility.image_problem(
        spec.image, second, catalog
    )


def columns(workstation: Workstation) -> dict[str, Any]:
    """The settings that can be changed, as applied: column → value."""
    return {column: getattr(workstation, column) for column in CHANGEABLE}


def larger_disks(workstation: Workstation) -> dict[str, int]:
    """The sizes in GB to offer for disks that are full: half as much again, in tens of GB."""
    sizes = {"home": workstation.disk_size_gb, "boot": workstation.boot_disk_size_gb}
    return {name: min(-(-size * 3 // 20) * 10, DISK_SIZE_GB[-1]) for name, size in sizes.items()}


def disks(workstation: Workstation) -> Disks:
    """The sizes and types of the disks that are billed."""
    data_gb, boot_gb = workstation.disk_size_gb, workstation.boot_disk_size_gb
    return Disks(data_gb, workstation.disk_type, boot_gb, workstation.opened_gb)


def changed(
    workstation: Workstation, pending: dict[str, Any], change: WorkstationPatch, catalog: Catalog, settings: Settings
) -> dict[str, Any]:
    """The columns that a change sets, together with pending changes: column → value.

    Raises InvalidError if the result does not fit the catalog or the machine.
    """
    before = columns(workstation) | pending
    given = change.model_dump(exclude_none=True)
    after = before | given
    machine_type = catalog.machine_type(after["machine_type"])
    # A GPU needs an image with its driver, and the driver is useless without one.
    if machine_type and "image" not in given:
        after["image"] = fitting_image(before, machine_type, catalog)
    _check_change(workstation, before, {**after, "accelerator": given.get("accelerator")}, catalog, settings)
    if machine_type:
        after |= accelerator_columns(machine_type)
    # Pending columns are always included: the row may have them before this change is applied.
    return {
        column: after[column]
        for column in CHANGEABLE
        if column in pending or after[column] != getattr(workstation, column)
    }


def fitting_image(before: dict[str, Any], machine_type: MachineType, catalog: Catalog) -> str:
    """The image after a change of machine type: a default image is replaced by the new type's default."""
    was = catalog.machine_type(before["machine_type"])
    is_default = was is not None and before["image"] == catalog.default_image(was).name
    return catalog.default_image(machine_type).name if is_default else str(before["image"])


def _check_change(
    workstation: Workstation, before: dict[str, Any], after: dict[str, Any], catalog: Catalog, settings: Settings
) -> None:
    fields = {name: after[name] for name in WorkstationPatch.model_fields}
    spec = WorkstationSpec(name=workstation.name, snapshot=workstation.snapshot, **fields)
    problems = check(spec, catalog, settings)
    if "zone" in problems and fields["zone"] == before["zone"]:
        # The zone stays, so the machine type is what does not fit.
        problems["machine_type"] = problems.pop("zone")
    if fields["zone"] != before["zone"]:
        problems |= compatibility.move_problems(before, fields)
    if fields["boot_disk_size_gb"] < workstation.boot_disk_size_gb:
        problems["boot_disk_size_gb"] = f"A boot disk cannot shrink. Enter {workstation.boot_disk_size_gb} GB or more."
    if fields["machine_type"] == before["machine_type"]:
        # The catalog may no longer offer what the machine has, which is no reason to refuse other changes.
        problems = {field: problem for field, problem in problems.items() if fields[field] != before[field]}
    if problems:
        raise InvalidError("Fix the errors below.", fields=problems)


def accelerator_columns(machine_type: MachineType) -> dict[str, Any]:
    """The columns of an attached GPU, which follow from the machine type."""
    count = machine_type.gpu_count if machine_type.accelerator else 0
    return {"accelerator": machine_type.accelerator, "accelerator_count": count}


_VARIABLES = ("zone", "machine_type", "boot_disk_size_gb", "disk_size_gb", "disk_type", "spot", "home_on_data_disk")
"""The columns that are variables of the same name."""


def terraform_inputs(
    workstation: Workstation,
    changes: dict[str, Any],
    service_account: str | None,
    catalog: Catalog,
    settings: Settings,
) -> dict[str, Any]:
    """The variables of terraform/workstation for this machine.

    :param changes: columns whose values differ from the row's.
    :param service_account: the email address of the machine's service account.
    """
    spec = columns(workstation) | changes
    machine_type = catalog.machine_type(spec["machine_type"])
    accelerator = {"type": spec["accelerator"], "count": spec["accelerator_count"]}
    return {
        **{name: spec[name] for name in _VARIABLES},
        "project": settings.google_project,
        "name": workstation.resource_name,
        "stack_id": workstation.id,
        "owner": workstation.owner_label,
        "accelerator": accelerator if spec["accelerator"] else None,
        "gpu": bool(machine_type and machine_type.gpu),
        "boot_image": spec["image"],
        "boot_snapshot": workstation.snapshot,
        "disk_snapshot": workstation.disk_snapshot,
        "opened_snapshot": workstation.opened_snapshot,
        "network": settings.network,
        "subnetwork": settings.subnetwork,
        "service_account_email": service_account,
        "ssh_username": workstation.ssh_username,
        "portal_url": settings.url_for_machines,
        "disk_only": False,
        "disk_name": workstation.adopted_disk,
        "address_name": workstation.adopted_address,
    }
