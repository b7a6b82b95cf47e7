"""Static IP addresses."""

from ..errors import in_use
from ..ids import INSTANCE, link
from ..store import CloudObject, Json
from .checks import check_region, scoped
from .kind import Kind, World


class AddressKind(Kind):
    def check(self, world: World, thing: CloudObject) -> None:
        check_region(scoped(thing))

    def accepted(self, world: World, thing: CloudObject) -> None:
        super().accepted(world, thing)
        thing.cloud["status"] = "RESERVING"
        if thing.state.get("address_type") == "INTERNAL":
            thing.state["address"] = thing.state.get("address") or world.addresses.internal(scoped(thing).region)
        else:
            thing.state["address"] = world.addresses.public()

    def check_delete(self, world: World, thing: CloudObject) -> None:
        for user in users_of_address(world, thing):
            raise in_use("address", thing.id, user)

    def present(self, world: World, thing: CloudObject) -> Json:
        if "users" not in thing.state:
            return thing.state
        return {**thing.state, "users": [link(user) for user in users_of_address(world, thing)]}


def users_of_address(world: World, thing: CloudObject) -> list[str]:
    """Ids of the machines that have it."""
    address = thing.state.get("address")
    if not address:
        return []
    return [machine.id for machine in world.store.all(INSTANCE) if machine.cloud.get("nat_ip") == address]
