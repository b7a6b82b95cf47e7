"""The form that changes a workstation: what it is, what was typed, what that costs and does, the change it makes."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from app.config import Settings
from app.errors import InvalidError, StationmasterError
from app.models import Workstation
from app.routers import machine_offers
from app.routers.workstation_form import Typed, size_of
from app.services import consequences, wishes
from app.services.catalog import Catalog
from app.services.consequences import Severity
from app.services.stock import Stock
from app.services.wishes import WorkstationChange
from app.web import field_sentences


def change(typed: Typed, wanted: Mapping[str, Any]) -> WorkstationChange:
    """What differs from what is wanted already. Raises InvalidError for what is no number, for example."""
    values = _values(typed, wanted)
    given = {
        name: values[name]
        for name in ("machine_type", "disk_size_gb", "disk_type", "image", "spot")
        if values[name] not in {"", wanted[name], str(wanted[name])}
    }
    try:
        return WorkstationChange.model_validate(given, strict=False)
    except ValidationError as error:
        fields = field_sentences(error.errors())
        if "disk_size_gb" in fields:
            fields["disk_size_gb"] = "Write a whole number of GB, such as 100."
        raise InvalidError("This machine cannot be changed as asked for.", fields=fields) from error


def sent(typed: Typed, wanted: Mapping[str, Any]) -> WorkstationChange:
    """The same, of a form that was sent: raises InvalidError when nothing differs."""
    wish = change(typed, wanted)
    if not wish.model_fields_set:
        raise InvalidError("Nothing here differs from what the machine is, or is going to be.")
    return wish


def context(
    workstation: Workstation,
    wanted: dict[str, Any],
    typed: Typed,
    catalog: Catalog,
    stock: Stock,
    settings: Settings,
    error: StationmasterError | None = None,
) -> dict[str, Any]:
    """What the form shows. What is typed so far and does not fit is said as if it had been sent."""
    form = {**_values(typed, wanted), "zone": workstation.zone}
    found: list[consequences.Consequence] = []
    try:
        after = wanted | wishes.changed(workstation, wanted, change(typed, wanted), catalog, settings)
        found = consequences.of(wanted, after, has_snapshot=workstation.snapshot is not None)
    except InvalidError as misfit:
        error = error or misfit
    size = size_of(form["disk_size_gb"])
    image = next((image.label for image in catalog.images if image.name == wanted["image"]), wanted["image"])
    groups = machine_offers.groups(form, size, catalog, stock)
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


def _values(typed: Typed, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """The fields as text. A form that was sent always names a machine type; a box that is not ticked is not sent."""
    is_sent = "machine_type" in typed
    return {
        "machine_type": typed.get("machine_type", wanted["machine_type"]),
        "image": typed.get("image", ""),
        "disk_size_gb": typed.get("disk_size_gb", str(wanted["disk_size_gb"])),
        "disk_type": typed.get("disk_type", wanted["disk_type"]),
        "spot": bool(typed.get("spot")) if is_sent else wanted["spot"],
    }
