"""Changes to machines from outside the portal: by people in Google's console, and by Google itself."""

from datetime import timedelta

from emulator.cloud.cloud import SYSTEM, Cloud
from emulator.core.errors import CloudError
from emulator.core.store import CloudResource
from emulator.rules.time_limit import bring_forward

AT_ONCE = {
    "vanish": "deletes machines now, outside Terraform, and Google has no operation of it",
    "preempt": "stops running machines now, as Google does with Spot machines",
    "stop": "stops running machines now, as somebody does in Google's console",
    "start": "starts stopped machines now, as somebody does in Google's console",
    "delete": "deletes machines now, as somebody does in Google's console",
    "time-limit": "the time limit of running machines that have one is reached in a minute",
    "host-error": "the host of running machines fails now, and Google starts them on another one",
}
"""Presets that happen without waiting for a call."""
TIME_LEFT = timedelta(minutes=1)


async def happen(cloud: Cloud, preset: str, resource: CloudResource, user: str) -> None:
    """Apply a preset to a resource. If its state does not allow that, nothing changes."""
    if preset == "vanish":
        cloud.vanish(resource)
        return
    if preset == "time-limit":
        bring_forward(cloud.context, resource, TIME_LEFT)
        return
    by = SYSTEM if preset in ("preempt", "host-error") else user
    try:
        if preset == "delete":
            cloud.delete_outside(resource, by)
        else:
            await cloud.change_power(preset, resource.id, decides_on_ssds=True, user=by)
    except CloudError as refusal:
        if refusal.reason != "resourceNotReady":
            raise
