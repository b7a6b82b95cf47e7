"""Small facts and values for tests that need no Terraform."""

from typing import Any

from emulator.provider.computed import Computing, fill_unknown
from emulator.provider.config import ProviderConfig
from emulator.provider.facts_file import Block, Facts, Resource
from emulator.provider.planning import PlannedChange, plan

HERE = ProviderConfig(project="demo", region="europe-west4", zone="europe-west4-a")
DISK: Resource = Facts("8.7.0").resources["google_compute_disk"]
FIREWALL: Resource = Facts("8.7.0").resources["google_compute_firewall"]
INSTANCE: Resource = Facts("8.7.0").resources["google_compute_instance"]
SECRET_VERSION: Resource = Facts("8.7.0").resources["google_secret_manager_secret_version"]


def config(resource: Resource, **said: Any) -> dict[str, Any]:
    """A configuration as Terraform sends it: every name there, null where nothing is said."""
    return _empty(resource["block"]) | said


def proposed(block: Block, prior: Any, said: dict[str, Any]) -> dict[str, Any]:
    """Terraform's proposal: what is said, over what the provider once computed; list elements go by their index."""
    before = prior or {}
    made = dict(said)
    for name, attribute in block["attributes"].items():
        if made.get(name) is None and "c" in attribute["is"]:
            made[name] = before.get(name)
    for name, nested in block["blocks"].items():
        items = made.get(name) or []
        old = [*(before.get(name) or []), *[None] * len(items)]
        made[name] = [proposed(nested["block"], old[index], item) for index, item in enumerate(items)]
    return made


def plan_new(
    resource_type: str, resource: Resource, said: dict[str, Any], provider: ProviderConfig = HERE
) -> PlannedChange:
    return plan_change(resource_type, resource, None, said, provider)


def plan_change(
    resource_type: str,
    resource: Resource,
    prior: dict[str, Any] | None,
    said: dict[str, Any],
    provider: ProviderConfig = HERE,
) -> PlannedChange:
    return plan(resource_type, resource, prior, proposed(resource["block"], prior, said), said, provider)


def applied(resource_type: str, resource: Resource, said: dict[str, Any]) -> dict[str, Any]:
    """The state after an apply of `said`."""
    state = plan_new(resource_type, resource, said).planned
    fill_unknown(Computing(resource_type, "the-id", dict(state), HERE), resource["block"], state)
    return state


def _empty(block: dict[str, Any]) -> dict[str, Any]:
    blocks: dict[str, Any] = {
        name: None if nested["nesting"] == "single" else [] for name, nested in block["blocks"].items()
    }
    return dict.fromkeys(block["attributes"]) | blocks
