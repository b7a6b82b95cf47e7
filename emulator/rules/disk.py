"""Persistent disks."""

from ..attachments import users_of
from ..catalog import DISK_TYPES
from ..errors import in_use, invalid_field
from ..ids import last, link
from ..store import CloudObject, Json
from .checks import check_size, check_zone, image_gb, scoped
from .kind import Kind, World


class DiskKind(Kind):
    def check(self, world: World, thing: CloudObject) -> None:
        check_zone(scoped(thing))
        kind = last(str(thing.state.get("type") or "pd-standard"))
        if kind not in DISK_TYPES:
            why = f"The referenced diskType resource '{kind}' cannot be found."
            raise invalid_field("resource.type", kind, why)
        if image := thing.state.get("image"):
            check_size("resource.sizeGb", int(thing.state.get("size") or 0), image_gb(str(image)))

    def accepted(self, world: World, thing: CloudObject) -> None:
        super().accepted(world, thing)
        thing.cloud["status"] = "CREATING"
        if "disk_id" in thing.state:
            thing.state["disk_id"] = str(thing.number)

    def check_update(self, world: World, thing: CloudObject, state: Json) -> None:
        size, wanted = int(thing.state.get("size") or 0), int(state.get("size") or 0)
        if wanted < size:
            why = f"New disk size '{wanted}' GB must be larger than existing size '{size}' GB."
            raise invalid_field("sizeGb", wanted, why)

    def check_delete(self, world: World, thing: CloudObject) -> None:
        for user in users_of(world.store, thing.id):
            raise in_use("disk", thing.id, user)

    def present(self, world: World, thing: CloudObject) -> Json:
        if "users" not in thing.state:
            return thing.state
        return {**thing.state, "users": [link(user) for user in users_of(world.store, thing.id)]}
