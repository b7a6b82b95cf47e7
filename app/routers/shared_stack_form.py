"""The form of the shared stack: what was typed, and the settings it makes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from starlette.requests import Request

from app.errors import InvalidError, StationmasterError
from app.services.catalog import Catalog
from app.services.shared.shared_settings import SharedSettings
from app.web import field_sentences

_SWITCHES = (
    ("enable_services", "Google's APIs that the rest needs are switched on."),
    ("deploy_storage", "data-…, with versions and a log of who reads it; and evaluation-results-…."),
    ("deploy_docker_registry", "container-registry-…"),
    ("deploy_pypi_registry", "pypi-registry-…"),
    ("deploy_sql", "A PostgreSQL on a private address. MLflow keeps its runs in it."),
    ("deploy_mlflow", "A machine with a static address, open to the allowed IPs alone."),
    ("deploy_kubernetes", "An Autopilot cluster in a network of its own, peered with the machines'."),
    ("deploy_service_accounts", "Workstations act as it: they may use buckets and registries."),
    ("member_service_accounts", "Each workstation acts as its owner's account; a project has about 100."),
    ("create_service_account_keys", "For programs that cannot impersonate; many organisations forbid keys."),
)
_SAFETY = (
    ("authoritative_admins", "Takes the role from everybody else, also from those whom other tools added."),
    ("deletion_protection", "Google itself then refuses to delete the database and the cluster."),
    ("force_destroy_buckets", "Otherwise a bucket that holds anything cannot be deleted."),
)
Typed = Mapping[str, Any]


@dataclass(frozen=True)
class Switch:
    """One checkbox."""

    name: str
    label: str
    help: str


def _switches(table: tuple[tuple[str, str], ...]) -> list[Switch]:
    fields = SharedSettings.model_fields
    return [Switch(name, fields[name].description or name, text) for name, text in table]


def typed_of(settings: SharedSettings) -> Typed:
    """Settings as the form shows them."""
    return {**settings.model_dump(), "ssh_allowed_ips": "\n".join(settings.ssh_allowed_ips), "reason": ""}


async def typed_into(request: Request) -> Typed:
    """The form's fields; a box that is not ticked is not sent."""
    sent = await request.form(max_files=0, max_fields=50)
    texts = {name: value.strip() for name, value in sent.items() if isinstance(value, str)}
    ticked = {switch.name: switch.name in texts for switch in _switches((*_SWITCHES, *_SAFETY))}
    return {"reason": "", **texts, **ticked}


def settings_of(typed: Typed) -> SharedSettings:
    """The settings that were typed. Raises InvalidError with a sentence for each field that does not fit."""
    given = {name: typed[name] for name in SharedSettings.model_fields if name in typed}
    ranges = str(typed.get("ssh_allowed_ips", "")).replace(",", " ").split()
    try:
        return SharedSettings.model_validate({**given, "ssh_allowed_ips": ranges})
    except ValidationError as error:
        fields = {name.partition(".")[0]: said for name, said in field_sentences(error.errors()).items()}
        raise InvalidError("The settings do not fit.", fields=fields) from error


def context(typed: Typed, catalog: Catalog, error: StationmasterError | None = None) -> dict[str, Any]:
    """What the form shows."""
    return {
        "form": typed,
        "error": error,
        "errors": error.fields if error else {},
        "switches": _switches(_SWITCHES),
        "safety": _switches(_SAFETY),
        "zone_options": [(zone, zone) for zone in catalog.zones],
        "role_options": [("roles/owner", "Owner"), ("roles/editor", "Editor")],
    }
