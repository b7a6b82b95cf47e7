"""Persistent disks."""

from emulator.core.attachments import users_of
from emulator.core.catalog import DISK_TYPES
from emulator.core.errors import in_use, invalid_field, not_found, not_ready
from emulator.core.ids import SNAPSHOT, last, link
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
        if snapshot := resource.state.get("snapshot"):
            _check_snapshot(context, resource, last(str(snapshot)))

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


def _check_snapshot(context: Context, resource: CloudResource, name: str) -> None:
    id_ = f"projects/{scoped(resource).project}/global/snapshots/{name}"
    found = context.store.get(SNAPSHOT, id_)
    if found is None:
        raise not_found(id_)
    if found.cloud["status"] != "READY":
        raise not_ready(id_)
    size, at_least = int(resource.state.get("size") or 0), int(found.cloud["disk_size_gb"])
    if size and size < at_least:
        why = f"Requested disk size cannot be smaller than the snapshot size ({at_least} GB)"
        raise invalid_field("resource.sizeGb", size, why)


def check_growth(state: Json, size: int, *, prefix: str = "") -> None:
    """Raises CloudError for a size below what the disk has."""
    existing = int(state.get("size") or 0)
    if size < existing:
        why = f"New disk size '{size}' GB must be larger than existing size '{existing}' GB."
        error = invalid_field("sizeGb", size, why)
        error.prefix = prefix
        raise error
