"""The form of the shared stack: its fields, and the settings they make."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from starlette.requests import Request

from app.errors import InvalidError
from app.sent_forms import SentForm
from app.services.catalog import Catalog
from app.services.shared.shared_settings import SharedSettings
from app.web import field_sentences

_SWITCHES = (
    ("enable_services", "Enables the Google APIs that the other components need."),
    ("deploy_storage", "A versioned bucket for data, with access logs, and one for evaluation results."),
    ("deploy_docker_registry", "Container images of the team."),
    ("deploy_pypi_registry", "Python packages of the team."),
    ("deploy_sql", "PostgreSQL with a private IP. Stores MLflow's runs."),
    ("deploy_mlflow", "A machine with a static IP. Only allowed IPs can reach it."),
    ("deploy_kubernetes", "An Autopilot cluster in its own network, peered with the workstations' network."),
    ("deploy_service_accounts", "Lets workstations use the buckets and registries."),
    (
        "member_service_accounts",
        "Workstations use their owner's account. Google's default quota is 100 per project.",
    ),
    (
        "create_service_account_keys",
        "For programs that cannot impersonate. Many organizations forbid keys.",
    ),
)
_SAFETY = (
    (
        "authoritative_admins",
        "Takes the role from everyone else, also if another tool granted it. The plan names who would lose it.",
    ),
    ("deletion_protection", "Google refuses to delete the database and the cluster while this is on."),
    ("force_destroy_buckets", "If off, buckets that are not empty cannot be deleted."),
)
Typed = Mapping[str, Any]


@dataclass(frozen=True)
class Switch:
    """One checkbox of the form."""

    name: str
    label: str
    help: str


def _switches(table: tuple[tuple[str, str], ...]) -> list[Switch]:
    fields = SharedSettings.model_fields
    return [Switch(name, fields[name].description or name, text) for name, text in table]


def typed_of(settings: SharedSettings) -> Typed:
    """The form's fields for given settings."""
    return {**settings.model_dump(), "ssh_allowed_ips": "\n".join(settings.ssh_allowed_ips), "reason": ""}


async def typed_into(request: Request) -> Typed:
    """The fields of a submitted form. Browsers leave out boxes that are not ticked; other missing fields are empty."""
    sent = await request.form(max_files=0, max_fields=50)
    return _typed({name: value.strip() for name, value in sent.items() if isinstance(value, str)})


def typed_again(sent: SentForm) -> Typed:
    """The fields of a form that was refused, as they were sent."""
    return _typed(sent.values)


def _typed(texts: Mapping[str, str]) -> Typed:
    ticked = {switch.name: switch.name in texts for switch in _switches((*_SWITCHES, *_SAFETY))}
    return {**dict.fromkeys((*SharedSettings.model_fields, "reason"), ""), **texts, **ticked}


def settings_of(typed: Typed) -> SharedSettings:
    """The settings in a submitted form. Raises InvalidError with a sentence for each invalid field."""
    given = {name: typed[name] for name in SharedSettings.model_fields if name in typed}
    ranges = str(typed.get("ssh_allowed_ips", "")).replace(",", " ").split()
    try:
        return SharedSettings.model_validate({**given, "ssh_allowed_ips": ranges})
    except ValidationError as error:
        fields = {name.partition(".")[0]: said for name, said in field_sentences(error.errors()).items()}
        raise InvalidError("Fix the errors below.", fields=fields) from error


def context(typed: Typed, catalog: Catalog, errors: Mapping[str, str]) -> dict[str, Any]:
    """The template variables of the form."""
    return {
        "form": typed,
        "errors": errors,
        "switches": _switches(_SWITCHES),
        "safety": _switches(_SAFETY),
        "zone_options": [(zone, zone) for zone in catalog.zones],
        "role_options": [("roles/owner", "Owner"), ("roles/editor", "Editor")],
    }
