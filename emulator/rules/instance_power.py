"""Starting and stopping machines, and their ephemeral addresses."""

from emulator.core.errors import CloudError
from emulator.core.store import CloudResource, Json
from emulator.rules.base import Context
from emulator.rules.machine_shape import local_ssds


def check_stop(machine: CloudResource, *, decides_on_ssds: bool = False, prefix: str = "") -> None:
    """Raises CloudError for one with local SSDs, unless the request says whether to discard their data."""
    if local_ssds(machine.state) and not decides_on_ssds:
        text = (
            "VM has a Local SSD attached but an undefined value for `discard-local-ssd`. If using gcloud, please add "
            "`--discard-local-ssd=false` or `--discard-local-ssd=true` to your command."
        )
        raise CloudError(400, text, "badRequest", prefix=prefix)


def power_on(context: Context, resource: CloudResource) -> None:
    """It boots: with an address where it had none."""
    give_address(context, resource)
    resource.cloud |= {"status": "RUNNING", "started": context.now(), "boots": resource.cloud["boots"] + 1}


def power_off(context: Context, resource: CloudResource) -> None:
    """An address that is not a static one is given back, as Google does."""
    resource.cloud |= {"status": "TERMINATED", "stopped": context.now()}
    if resource.cloud.get("ephemeral"):
        resource.cloud["nat_ip"] = None
        for access in access_configs(resource):
            access["nat_ip"] = ""


def give_address(context: Context, resource: CloudResource) -> None:
    for access in access_configs(resource):
        if not access.get("nat_ip"):
            access["nat_ip"] = context.addresses.public()
            resource.cloud["ephemeral"] = True
        resource.cloud["nat_ip"] = access["nat_ip"]


def access_configs(resource: CloudResource) -> list[Json]:
    cards = resource.state.get("network_interface") or []
    return [access for card in cards for access in card.get("access_config") or []]
