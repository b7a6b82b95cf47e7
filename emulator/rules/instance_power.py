"""Starting and stopping machines, and their ephemeral addresses."""

from emulator.core.accelerators import of_machine
from emulator.core.catalog import MACHINE_TYPES
from emulator.core.errors import CloudError, not_ready
from emulator.core.ids import last
from emulator.core.store import CloudResource, Json
from emulator.rules import time_limit
from emulator.rules.base import Context
from emulator.rules.machine_shape import local_ssds

MOST_MEMORY_GB = 208
"""Of a machine that can be suspended: https://cloud.google.com/compute/docs/instances/suspend-resume-instance."""


def check_power(op: str, machine: CloudResource, *, decides_on_ssds: bool) -> None:
    """Raises CloudError for an order that Google does not carry out on this machine as it is."""
    status = machine.cloud["status"]
    if (op == "reset" and status != "RUNNING") or (op == "start" and status == "SUSPENDED"):
        raise not_ready(machine.id)
    if op == "stop":
        check_stop(machine, decides_on_ssds=decides_on_ssds)
    if op == "suspend":
        _check_suspend(machine, status)
    if op == "resume" and status != "SUSPENDED":
        raise _unsupported("You can only resume an instance that is suspended.")


def _check_suspend(machine: CloudResource, status: str) -> None:
    """Sentences of https://cloud.google.com/compute/docs/troubleshooting/troubleshooting-suspend-resume."""
    if status == "SUSPENDED":
        raise _unsupported("You cannot suspend an already suspended instance.")
    if status != "RUNNING":
        raise _unsupported("You cannot suspend an instance that is stopped or terminated.")
    if of_machine(machine.state):
        raise _unsupported("You cannot suspend an instance with accelerators attached.")
    type_ = MACHINE_TYPES.get(last(str(machine.state.get("machine_type") or "")))
    if type_ and type_.memory_gb > MOST_MEMORY_GB:
        raise _unsupported("You cannot suspend an instance with more than 208 GB of memory.")


def _unsupported(text: str) -> CloudError:
    return CloudError(400, text, "UNSUPPORTED_OPERATION")


def check_stop(machine: CloudResource, *, decides_on_ssds: bool = False, prefix: str = "") -> None:
    """Raises CloudError for one with local SSDs, unless the request says whether to discard their data."""
    if local_ssds(machine.state) and not decides_on_ssds:
        text = (
            "VM has a Local SSD attached but an undefined value for `discard-local-ssd`. If using gcloud, please add "
            "`--discard-local-ssd=false` or `--discard-local-ssd=true` to your command."
        )
        raise CloudError(400, text, "badRequest", prefix=prefix)


def power_on(context: Context, resource: CloudResource) -> None:
    """The machine is started. It gets an address if it has none."""
    give_address(context, resource)
    resource.cloud |= {"status": "RUNNING", "started": context.now(), "boots": resource.cloud["boots"] + 1}
    time_limit.begin(context, resource)


def power_off(context: Context, resource: CloudResource) -> None:
    """The machine is stopped. Google takes back an address that is not static."""
    resource.cloud |= {"status": "TERMINATED", "stopped": context.now()}
    time_limit.end(resource)
    if resource.cloud.get("ephemeral"):
        resource.cloud["nat_ip"] = None
        for access in access_configs(resource):
            access["nat_ip"] = ""


def suspend(context: Context, resource: CloudResource) -> None:
    """Its memory is kept, and so is its address."""
    resource.cloud |= {"status": "SUSPENDED", "suspended": context.now()}
    time_limit.end(resource)


def resume(context: Context, resource: CloudResource) -> None:
    """It goes on where it was: no boot."""
    resource.cloud |= {"status": "RUNNING", "started": context.now()}
    time_limit.begin(context, resource)


def give_address(context: Context, resource: CloudResource) -> None:
    for access in access_configs(resource):
        if not access.get("nat_ip"):
            access["nat_ip"] = context.addresses.public()
            resource.cloud["ephemeral"] = True
        resource.cloud["nat_ip"] = access["nat_ip"]


def access_configs(resource: CloudResource) -> list[Json]:
    cards = resource.state.get("network_interface") or []
    return [access for card in cards for access in card.get("access_config") or []]
