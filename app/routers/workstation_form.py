"""The form that creates a workstation: its fields, the machine types with prices, and the spec it makes."""

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from itertools import count
from typing import Any

from pydantic import ValidationError
from starlette.requests import Request

from app.config import Settings
from app.errors import InvalidError
from app.models import Snapshot
from app.sent_forms import SentForm
from app.services.catalog import Catalog
from app.services.catalog.availability import Availability
from app.services.catalog.offers import DiskType, Image
from app.services.context import Context
from app.services.workstations.specs import BOOT_DISK_SIZE_GB, DISK_SIZE_GB, WorkstationSpec, check
from app.views import machine_offers
from app.web import field_sentences

Typed = Mapping[str, str]
_CONFLICTING = ("zone", "disk_type", "image", "spot", "second_machine_type")


async def typed_into(request: Request) -> Typed:
    """The fields of a submitted form as text."""
    sent = await request.form(max_files=0, max_fields=50)
    return {name: value.strip() for name, value in sent.items() if isinstance(value, str)}


def chosen_so_far(request: Request, sent: SentForm) -> Typed:
    """The fields of the form that a page shows, as text: from a refused form, or from query parameters."""
    return {name: value.strip() for name, value in (sent.values or request.query_params).items()}


def spec(typed: Typed) -> WorkstationSpec:
    """The spec that the form makes. Empty fields take their defaults. Raises InvalidError if a field is invalid."""
    given: dict[str, str] = {name: typed[name] for name in WorkstationSpec.model_fields if typed.get(name)}
    try:
        return WorkstationSpec.model_validate({"name": "", "machine_type": "", **given}, strict=False)
    except ValidationError as error:
        fields = errors_of(error)
        raise InvalidError("Fix the errors below.", fields=fields) from error


def context(
    ctx: Context,
    typed: Typed,
    availability: Availability,
    names: Collection[str],
    errors: Mapping[str, str],
) -> dict[str, Any]:
    """The template variables of the form: fields, prices and errors."""
    catalog, settings = ctx.catalog, ctx.settings
    form = _values(typed, catalog, settings, names)
    sizes = sizes_of(form)
    groups = machine_offers.groups(form, sizes, catalog, availability)
    chosen = machine_offers.chosen(groups, form)
    image = catalog.default_image(chosen.machine) if chosen else None
    disk = catalog.disk_type(chosen.machine.disk_types[0]) if chosen else None
    disk_type = form["disk_type"] or (disk.name if disk else "")
    return {
        "form": form,
        "errors": errors or _conflicts(typed, catalog, settings),
        "presets": machine_offers.presets(form, catalog),
        "machine_groups": groups,
        "zone_options": [(zone, zone) for zone in catalog.zones],
        "image_options": [("", _default(image)), *((offer.name, offer.label) for offer in catalog.images)],
        "disk_options": [("", _default(disk)), *((offer.name, offer.label) for offer in catalog.disk_types)],
        "chosen": chosen,
        "disk_price": catalog.disk_price_per_hour(form["zone"], sizes[0], disk_type) if sizes[0] else None,
        "boot_disk_price": boot_disk_price(form["zone"], sizes, chosen, catalog),
        "as_of": catalog.as_of,
        "availability": availability,
    }


def snapshot_options(sources: Sequence[tuple[Snapshot, str]]) -> list[tuple[str, str]]:
    """What a new data disk can start from; empty if there are no snapshots."""
    described = [
        (snapshot.id, f"{name}, {snapshot.taken_at:%-d %b %Y, %H:%M} UTC ({snapshot.disk_size_gb} GB)")
        for snapshot, name in sources
    ]
    return [("", "None: the disk is empty"), *described] if described else []


def _default(offer: Image | DiskType | None) -> str:
    return f"Default ({offer.label})" if offer else "Default"


def _conflicts(typed: Typed, catalog: Catalog, settings: Settings) -> dict[str, str]:
    """Errors of a form that is being filled in: only fields that conflict, as others may still be incomplete."""
    try:
        problems = check(spec(typed), catalog, settings) if "machine_type" in typed else {}
    except InvalidError:
        return {}
    return {field: problems[field] for field in _CONFLICTING if field in problems}


def _values(typed: Typed, catalog: Catalog, settings: Settings, names: Collection[str]) -> dict[str, Any]:
    defaults = WorkstationSpec(name=_free_name(names), machine_type=catalog.machine_types[0].name)
    return {
        "name": typed.get("name", defaults.name),
        "machine_type": typed.get("machine_type", defaults.machine_type),
        "zone": typed.get("zone", settings.default_zone),
        "image": typed.get("image", ""),
        "boot_disk_size_gb": typed.get("boot_disk_size_gb", str(defaults.boot_disk_size_gb)),
        "disk_size_gb": typed.get("disk_size_gb", str(defaults.disk_size_gb)),
        "disk_type": typed.get("disk_type", ""),
        "snapshot": typed.get("snapshot", ""),
        "disk_snapshot": typed.get("disk_snapshot", ""),
        "spot": bool(typed.get("spot")),
        "home_on_data_disk": bool(typed.get("home_on_data_disk")),
        "other_zones": typed.get("other_zones", defaults.other_zones),
        "other_pricing": bool(typed.get("other_pricing")),
        "second_machine_type": typed.get("second_machine_type", ""),
        "ends_on": typed.get("ends_on", ""),
        "wait_hours": typed.get("wait_hours", str(defaults.wait_hours)),
    }


def _free_name(names: Collection[str]) -> str:
    return next(name for number in count(1) if (name := f"dev-{number}") not in names)


def errors_of(error: ValidationError) -> dict[str, str]:
    """A sentence for each field of a form that could not be read."""
    fields = field_sentences(error.errors())
    examples = {"boot_disk_size_gb": 50, "disk_size_gb": 100}
    numbers = {name: f"Enter a whole number of GB, such as {example}." for name, example in examples.items()}
    return {name: numbers.get(name, sentence) for name, sentence in fields.items()}


def boot_disk_price(
    zone: str, sizes: machine_offers.Sizes, chosen: machine_offers.MachineOffer | None, catalog: Catalog
) -> Decimal | None:
    """US dollars an hour of what the chosen machine boots from; None where that is not known."""
    boot_gb = sizes[1]
    return catalog.disk_price_per_hour(zone, boot_gb, chosen.machine.boot_disk_type) if chosen and boot_gb else None


def sizes_of(form: Mapping[str, Any]) -> machine_offers.Sizes:
    """The sizes of the data disk and of the boot disk that a form names."""
    return size_of(form["disk_size_gb"]), size_of(form["boot_disk_size_gb"], BOOT_DISK_SIZE_GB)


def size_of(text: str, possible: range = DISK_SIZE_GB) -> int | None:
    """A disk's size in GB from text; None if it is not a possible size."""
    # isdecimal with isascii: int() takes other scripts' digits, and underscores, which a disk size should not have.
    size = int(text) if text.isascii() and text.isdecimal() and len(text) < 9 else None
    return size if size in possible else None
