"""The form that changes a workstation: what it is, what was typed, what that costs and does, the change it makes."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from app.config import Settings
from app.errors import InvalidError, StationmasterError
from app.models import Workstation
from app.routers.workstation_form import Typed, size_of
from app.services.catalog import Catalog
from app.services.catalog.availability import Availability
from app.services.workstations import impact, specs
from app.services.workstations.impact import Severity
from app.services.workstations.specs import WorkstationPatch
from app.views import machine_offers
from app.web import field_sentences


def change(typed: Typed, desired: Mapping[str, Any]) -> WorkstationPatch:
    """What differs from what is wanted already. Raises InvalidError for what is no number, for example."""
    values = _values(typed, desired)
    given = {
        name: values[name]
        for name in ("machine_type", "disk_size_gb", "disk_type", "image", "spot")
        if values[name] not in {"", desired[name], str(desired[name])}
    }
    try:
        return WorkstationPatch.model_validate(given, strict=False)
    except ValidationError as error:
        fields = field_sentences(error.errors())
        if "disk_size_gb" in fields:
            fields["disk_size_gb"] = "Write a whole number of GB, such as 100."
        raise InvalidError("This machine cannot be changed as asked for.", fields=fields) from error


def sent(typed: Typed, desired: Mapping[str, Any]) -> WorkstationPatch:
    """The same, of a form that was sent: raises InvalidError when nothing differs."""
    spec = change(typed, desired)
    if not spec.model_fields_set:
        raise InvalidError("Nothing here differs from what the machine is, or is going to be.")
    return spec


def context(
    workstation: Workstation,
    desired: dict[str, Any],
    typed: Typed,
    catalog: Catalog,
    availability: Availability,
    settings: Settings,
    error: StationmasterError | None = None,
) -> dict[str, Any]:
    """What the form shows. What is typed so far and does not fit is said as if it had been sent."""
    form = {**_values(typed, desired), "zone": workstation.zone}
    found: list[impact.Consequence] = []
    try:
        after = desired | specs.changed(workstation, desired, change(typed, desired), catalog, settings)
        found = impact.of(desired, after, has_snapshot=workstation.snapshot is not None)
    except InvalidError as misfit:
        error = error or misfit
    size = size_of(form["disk_size_gb"])
    image = next((image.label for image in catalog.images if image.name == desired["image"]), desired["image"])
    groups = machine_offers.groups(form, size, catalog, availability)
    return {
        "workstation": workstation,
        "form": form,
        "error": error,
        "errors": error.fields if error else {},
        "machine_groups": groups,
        "chosen": machine_offers.chosen(groups, form),
        "image_options": [("", f"As it is: {image}"), *((offer.name, offer.label) for offer in catalog.images)],
        "disk_options": [(disk.name, disk.label) for disk in catalog.disk_types],
        "disk_price": None,
        "consequences": found,
        "loses_disk": bool(found) and found[0].severity is Severity.LOSES_DISK,
        "as_of": catalog.as_of,
    }


def _values(typed: Typed, desired: Mapping[str, Any]) -> dict[str, Any]:
    """The fields as text. A form that was sent always names a machine type; a box that is not ticked is not sent."""
    is_sent = "machine_type" in typed
    return {
        "machine_type": typed.get("machine_type", desired["machine_type"]),
        "image": typed.get("image", ""),
        "disk_size_gb": typed.get("disk_size_gb", str(desired["disk_size_gb"])),
        "disk_type": typed.get("disk_type", desired["disk_type"]),
        "spot": bool(typed.get("spot")) if is_sent else desired["spot"],
    }
