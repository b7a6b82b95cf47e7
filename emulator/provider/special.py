"""What single resource types do beyond their schema."""

from typing import Any

from emulator.provider.errors import GoogleApiError, ProviderError
from emulator.provider.values import UNKNOWN, State

INGRESS_SOURCES = ("source_ranges", "source_tags", "source_service_accounts")
NEEDS_STOP = (
    "advanced_machine_features",
    "enable_display",
    "machine_type",
    "min_cpu_platform",
    "service_account",
    "shielded_instance_config",
)
NETWORK = ("network", "subnetwork", "subnetwork_project")
PROTECTED = {
    "google_container_cluster": (
        "Cannot destroy cluster because deletion_protection is set to true. Set it to false to proceed with cluster "
        "deletion."
    ),
    "google_sql_database_instance": (
        "Error, failed to delete instance because deletion_protection is set to true. Set it to false to proceed with "
        "instance deletion."
    ),
}
"""Errors with other words than the general ones."""
IDEMPOTENT = ("_iam_member", "_iam_binding", "google_project_service")


def check_plan(resource_type: str, planned: State) -> None:
    """Raises ProviderError for values that make no sense together and are known only now."""
    if resource_type != "google_compute_firewall" or planned.get("direction") == "EGRESS":
        return
    if not any(planned.get(name) not in (None, []) for name in INGRESS_SOURCES):
        raise ProviderError(
            "one of source_tags, source_ranges, or source_service_accounts must be defined for INGRESS traffic"
        )


def replacing(resource_type: str, prior: State, planned: State) -> list[tuple[str | int, ...]]:
    """Changes that replace the resource only in certain company or direction."""
    if resource_type == "google_compute_disk" and _shrinks(prior.get("size"), planned.get("size")):
        return [("size",)]
    if resource_type == "google_compute_instance":
        # Google gives a machine another internal address only together with another network.
        return [
            ("network_interface", index, "network_ip")
            for index, (old, new) in enumerate(_network_cards(prior, planned))
            if old.get("network_ip") != new.get("network_ip") and not _moves(old, new)
        ]
    return []


def check_update(resource_type: str, prior: State, planned: State) -> None:
    """Raises ProviderError for an update that Google's provider refuses to make."""
    if resource_type != "google_compute_instance" or planned.get("allow_stopping_for_update"):
        return
    running = prior.get("current_status") in ("RUNNING", "", None) and planned.get("desired_status") != "TERMINATED"
    changed = any(prior.get(name) != planned.get(name) for name in NEEDS_STOP)
    if running and (changed or any(_moves(old, new) for old, new in _network_cards(prior, planned))):
        raise ProviderError(
            f"Changing the {', '.join(NEEDS_STOP)} or a network_interface's network on a started instance requires "
            "stopping it. To acknowledge this, please set allow_stopping_for_update = true in your config."
        )


def check_delete(resource_type: str, prior: State) -> None:
    """Raises ProviderError for what is protected from being destroyed."""
    if prior.get("deletion_policy") == "PREVENT":
        raise ProviderError(
            f'cannot destroy {resource_type} without setting deletion_policy="DELETE" and running `terraform apply`'
        )
    if prior.get("deletion_protection") is True:
        own = PROTECTED.get(resource_type)
        raise ProviderError(
            own
            or f"cannot destroy {resource_type} without setting deletion_protection=false and running `terraform apply`"
        )


def is_abandoned(resource_type: str, prior: State) -> bool:
    """Whether destroying only removes it from the state."""
    if resource_type == "google_project_service":
        return not prior.get("disable_on_destroy")
    return prior.get("deletion_policy") == "ABANDON"


def updates_existing(resource_type: str, planned: State, error: GoogleApiError) -> bool:
    """Whether a failed create of what exists becomes an update: grants, services, connections set to do so."""
    if resource_type.endswith(IDEMPOTENT):
        return error.code == 409
    return bool(planned.get("update_on_creation_fail")) and "Cannot modify allocated ranges" in error.message


def _shrinks(before: Any, after: Any) -> bool:
    return before is not None and after is not None and after is not UNKNOWN and after < before


def _network_cards(prior: State, planned: State) -> list[tuple[State, State]]:
    return list(zip(prior.get("network_interface") or [], planned.get("network_interface") or [], strict=False))


def _moves(old: State, new: State) -> bool:
    return any(old.get(name) != new.get(name) for name in NETWORK)
