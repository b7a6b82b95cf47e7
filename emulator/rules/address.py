"""Static IP addresses."""

from emulator.core.errors import in_use
from emulator.core.ids import INSTANCE, link
from emulator.core.store import CloudResource, Json
from emulator.rules.base import Context, Rules
from emulator.rules.checks import check_region, scoped


class AddressRules(Rules):
    def check(self, context: Context, resource: CloudResource) -> None:
        check_region(scoped(resource))

    def accepted(self, context: Context, resource: CloudResource) -> None:
        super().accepted(context, resource)
        resource.cloud["status"] = "RESERVING"
        if resource.state.get("address_type") == "INTERNAL":
            resource.state["address"] = resource.state.get("address") or context.addresses.internal(
                scoped(resource).region
            )
        else:
            resource.state["address"] = context.addresses.public()

    def check_delete(self, context: Context, resource: CloudResource) -> None:
        for user in users_of_address(context, resource):
            raise in_use("address", resource.id, user)

    def present(self, context: Context, resource: CloudResource) -> Json:
        if "users" not in resource.state:
            return resource.state
        return {**resource.state, "users": [link(user) for user in users_of_address(context, resource)]}


def users_of_address(context: Context, resource: CloudResource) -> list[str]:
    """Ids of the machines that have it."""
    address = resource.state.get("address")
    if not address:
        return []
    return [machine.id for machine in context.store.all(INSTANCE) if machine.cloud.get("nat_ip") == address]
