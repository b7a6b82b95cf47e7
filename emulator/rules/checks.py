"""Checks that machines, disks and addresses share, in Google's words."""

from emulator.core.catalog import REGIONS, ZONES, image_size
from emulator.core.errors import CloudError, invalid_field
from emulator.core.ids import Scoped, parse_id
from emulator.core.store import CloudResource, Json


def scoped(resource: CloudResource) -> Scoped:
    """Raises CloudError for an id that is not a Compute Engine one."""
    found = parse_id(resource.id)
    if found is None:
        raise CloudError(400, f"Invalid resource name '{resource.id}'.")
    return found


def check_zone(where: Scoped) -> None:
    if where.zone not in ZONES:
        raise invalid_field("zone", where.zone, "Unknown zone.")


def check_region(where: Scoped) -> None:
    if where.region not in REGIONS:
        raise invalid_field("region", where.region, "Unknown region.")


def image_gb(image: str) -> int:
    """Size of an image named by `project/family` or a link to a family. Raises CloudError for one that is gone."""
    parts = image.split("/")
    project, name = (parts[parts.index("projects") + 1], parts[-1]) if "projects" in parts else (parts[0], parts[-1])
    families_only = "images" not in parts or "family" in parts
    size = image_size(project, name) if families_only and len(parts) > 1 else image_size("", name)
    if size is None:
        text = f"Could not find image or family {project}/{name}"
        raise CloudError(404, text, raw=f"Error resolving image name '{image}': {text}")
    return size


def check_size(field: str, wanted: int, at_least: int) -> None:
    if wanted and wanted < at_least:
        why = f"Requested disk size cannot be smaller than the image size ({at_least} GB)"
        raise invalid_field(field, wanted, why)


def effective_labels(state: Json) -> Json:
    return dict(state.get("effective_labels") or state.get("terraform_labels") or state.get("labels") or {})
