"""Persistent disks."""

from emulator.core.attachments import users_of
from emulator.core.catalog import DISK_TYPES
from emulator.core.errors import in_use, invalid_field
from emulator.core.ids import last, link
from emulator.core.store import CloudResource, Json
from emulator.rules.base import Context, Rules
from emulator.rules.checks import check_size, check_zone, image_gb, scoped


class DiskRules(Rules):
    def check(self, context: Context, resource: CloudResource) -> None:
        check_zone(scoped(resource))
        kind = last(str(resource.state.get("type") or "pd-standard"))
        if kind not in DISK_TYPES:
            why = f"The referenced diskType resource '{kind}' cannot be found."
            raise invalid_field("resource.type", kind, why)
        if image := resource.state.get("image"):
            check_size("resource.sizeGb", int(resource.state.get("size") or 0), image_gb(str(image)))

    def accepted(self, context: Context, resource: CloudResource) -> None:
        super().accepted(context, resource)
        resource.cloud["status"] = "CREATING"
        if "disk_id" in resource.state:
            resource.state["disk_id"] = str(resource.number)

    def check_update(self, context: Context, resource: CloudResource, state: Json) -> None:
        check_growth(resource.state, int(state.get("size") or 0))

    def check_delete(self, context: Context, resource: CloudResource) -> None:
        for user in users_of(context.store, resource.id):
            raise in_use("disk", resource.id, user)

    def present(self, context: Context, resource: CloudResource) -> Json:
        if "users" not in resource.state:
            return resource.state
        return {**resource.state, "users": [link(user) for user in users_of(context.store, resource.id)]}


def check_growth(state: Json, size: int, *, prefix: str = "") -> None:
    """Raises CloudError for a size below what the disk has."""
    existing = int(state.get("size") or 0)
    if size < existing:
        why = f"New disk size '{size}' GB must be larger than existing size '{existing}' GB."
        error = invalid_field("sizeGb", size, why)
        error.prefix = prefix
        raise error
