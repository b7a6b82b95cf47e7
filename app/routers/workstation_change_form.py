"""The form that changes a workstation: its fields, the change they make, its price and its effect."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from app.errors import InvalidError
from app.models import Workstation
from app.routers import work_confirmation
from app.routers.workstation_form import Typed, boot_disk_price, errors_of, sizes_of
from app.services.catalog import Catalog
from app.services.catalog.availability import Availability
from app.services.context import Context
from app.services.workstations import impact, specs
from app.services.workstations.impact import Severity
from app.services.workstations.specs import WorkstationPatch
from app.views import machine_offers


def change(typed: Typed, desired: Mapping[str, Any]) -> WorkstationPatch:
    """The fields that differ from `desired`. Raises InvalidError, such as for a size that is not a number."""
    values = _values(typed, desired)
    given = {name: value for name, value in values.items() if value not in {"", desired[name], str(desired[name])}}
    try:
        return WorkstationPatch.model_validate(given, strict=False)
    except ValidationError as error:
        raise InvalidError("Fix the errors below.", fields=errors_of(error)) from error


def submitted(typed: Typed, desired: Mapping[str, Any]) -> WorkstationPatch:
    """The change that a submitted form makes. Raises InvalidError if it changes nothing or a field is invalid."""
    spec = change(typed, desired)
    if not spec.model_fields_set:
        raise InvalidError("No changes to apply.")
    return spec


def context(
    ctx: Context,
    workstation: Workstation,
    desired: dict[str, Any],
    typed: Typed,
    availability: Availability,
    errors: Mapping[str, str],
) -> dict[str, Any]:
    """The template variables of the form. Errors appear while it is filled in, as if it had been submitted."""
    catalog = ctx.catalog
    form = _values(typed, desired)
    effects: list[impact.Effect] = []
    after = desired
    try:
        after = desired | specs.changed(workstation, desired, change(typed, desired), catalog, ctx.settings)
        effects = impact.of(desired, after, has_snapshot=workstation.snapshot is not None, catalog=catalog)
    except InvalidError as invalid:
        errors = errors or invalid.fields
    sizes = sizes_of(form)
    groups = machine_offers.groups(form, sizes, catalog, availability)
    chosen = machine_offers.chosen(groups, form)
    return {
        **work_confirmation.context(ctx, workstation, errors, is_confirmed=typed.get("end_work") == "yes"),
        "form": form,
        "machine_groups": groups,
        "chosen": chosen,
        "image_options": [
            ("", _unchosen_image(desired["image"], after["image"], catalog)),
            *((offer.name, offer.label) for offer in catalog.images),
        ],
        "disk_options": [(disk.name, disk.label) for disk in catalog.disk_types],
        "zone_options": [(zone, zone) for zone in dict.fromkeys((workstation.zone, *catalog.zones))],
        "disk_price": None,
        "boot_disk_price": boot_disk_price(form["zone"], sizes, chosen, catalog),
        "impact": effects,
        "stops": bool(effects) and effects[0].severity >= Severity.STOPS,
        "loses_disk": bool(effects) and effects[0].severity is Severity.LOSES_DISK,
        "as_of": catalog.as_of,
    }


def _unchosen_image(now: str, after: str, catalog: Catalog) -> str:
    """What the form says of the image where none is chosen: a default image follows the GPU."""
    label = next((image.label for image in catalog.images if image.name == after), after)
    return f"Current ({label})" if after == now else f"Default ({label})"


def _values(typed: Typed, desired: Mapping[str, Any]) -> dict[str, Any]:
    """The fields as text, with `desired` for those that were not submitted."""
    # A browser leaves out a box that is not ticked, so only a field that is always sent tells a submitted form.
    is_sent = "machine_type" in typed
    return {
        "machine_type": typed.get("machine_type", desired["machine_type"]),
        "image": typed.get("image", ""),
        "zone": typed.get("zone", desired["zone"]),
        "boot_disk_size_gb": typed.get("boot_disk_size_gb", str(desired["boot_disk_size_gb"])),
        "disk_size_gb": typed.get("disk_size_gb", str(desired["disk_size_gb"])),
        "disk_type": typed.get("disk_type", desired["disk_type"]),
        **{box: bool(typed.get(box)) if is_sent else desired[box] for box in ("spot", "home_on_data_disk")},
    }
