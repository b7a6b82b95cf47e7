"""The shared stack's settings, and the variables of terraform/shared that they result in."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from app.config import Settings
from app.errors import InvalidError
from app.infra.zones import region_of
from app.models import SharedStack
from app.models.allowed_ip import Network
from app.services.shared import ip_ranges

OWNER = "roles/owner"
PREFIX = re.compile(r"[a-z][-a-z0-9]{0,16}[a-z0-9]")
LONGEST_PREFIX = 18
"""The same limit as in terraform/shared, because Google's account IDs have at most 30 characters."""


def _prefix(text: str) -> str:
    if not PREFIX.fullmatch(text):
        raise ValueError(f"use 2 to {LONGEST_PREFIX} lower-case letters, digits and hyphens, and start with a letter")
    return text


def _ranges(texts: list[str]) -> list[str]:
    """The ranges in normalized form, sorted and without duplicates."""
    return [str(network) for network in sorted({_range(text) for text in texts}, key=str)]


def _range(text: str) -> Network:
    try:
        return ip_ranges.read(text)
    except InvalidError as error:
        raise ValueError(" ".join(error.fields.values())) from error


class SharedSettings(BaseModel):
    """The settings of the shared stack, named like Terraform's variables. Descriptions are the page's labels."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    prefix: Annotated[str, AfterValidator(_prefix)] = Field(description="Suffix of all resource names.")
    zone: str = Field(description="Zone of the MLflow server. All other resources are in its region.")
    enable_services: bool = Field(True, description="Google APIs")
    deploy_storage: bool = Field(True, description="Buckets for data and results")
    deploy_docker_registry: bool = Field(True, description="Docker registry")
    deploy_pypi_registry: bool = Field(True, description="Python package registry")
    deploy_sql: bool = Field(True, description="Cloud SQL (PostgreSQL)")
    deploy_mlflow: bool = Field(True, description="MLflow server")
    deploy_kubernetes: bool = Field(False, description="Kubernetes cluster")
    deploy_service_accounts: bool = Field(True, description="Service account for workstations")
    member_service_accounts: bool = Field(False, description="Service account for each member")
    create_service_account_keys: bool = Field(False, description="JSON keys for service accounts")
    authoritative_admins: bool = Field(False, description="Only the IAM admins managed here")
    iam_admin_role: Literal["roles/owner", "roles/editor"] = Field("roles/owner", description="Role of IAM admins")
    ssh_allowed_ips: Annotated[list[str], AfterValidator(_ranges)] = Field([], description="Allowed IP ranges for SSH")
    sql_tier: str = Field(
        "db-f1-micro", pattern=r"^db-(f1-micro|g1-small|custom-[0-9]+-[0-9]+)$", description="Cloud SQL tier"
    )
    sql_user: str = Field("mlflow", pattern=r"^[a-z][a-z0-9_]{0,62}$", description="Cloud SQL user")
    mlflow_machine_type: str = Field("e2-small", pattern=r"^[a-z][a-z0-9-]{2,40}$", description="MLflow machine type")
    deletion_protection: bool = Field(True, description="Deletion protection for Cloud SQL and Kubernetes")
    force_destroy_buckets: bool = Field(False, description="Delete buckets that are not empty")


def problem_of_role(role: str, iam_admins: Iterable[str]) -> str | None:
    """Why Google does not grant the role to one of these, as a sentence; None if it does."""
    domain = next((admin for admin in iam_admins if admin.startswith("domain:")), None)
    if role != OWNER or domain is None:
        return None
    return f"Google does not grant the Owner role to domains such as {domain}. Use a group, or the Editor role."


def defaults(settings: Settings) -> SharedSettings:
    """The default settings: the suffix is the project's ID, shortened if necessary."""
    prefix = settings.google_project[:LONGEST_PREFIX].strip("-")
    return SharedSettings(prefix=prefix if PREFIX.fullmatch(prefix) else "shared", zone=settings.default_zone)


def of(stack: SharedStack, settings: Settings) -> SharedSettings:
    """The settings applied last, with defaults for the others."""
    return stored(stack.settings, defaults(settings))


def stored(values: Mapping[str, Any], base: SharedSettings) -> SharedSettings:
    """Settings from the database, where an earlier release may have stored them. Missing ones are taken from `base`."""
    # Not validated: rules that have become stricter must not prevent reading or undoing settings.
    known = {name: value for name, value in values.items() if name in SharedSettings.model_fields}
    return base.model_copy(update=known)


def terraform_inputs(
    chosen: SharedSettings,
    stack: SharedStack,
    iam_admins: Sequence[str],
    cidrs: Sequence[str],
    members: Mapping[str, str],
    settings: Settings,
) -> dict[str, Any]:
    """The variables of terraform/shared, without passwords, which the worker passes separately.

    :param cidrs: the ranges that may reach MLflow.
    :param members: SSH username → email address of all members. Each gets a service account if that is chosen.
    """
    return {
        **chosen.model_dump(),
        "project": settings.google_project,
        "region": region_of(chosen.zone),
        "stack_id": stack.id,
        "network": settings.network,
        "iam_admins": sorted(iam_admins),
        "mlflow_allowed_ips": sorted(set(cidrs)),
        "members": {name: f"user:{email}" for name, email in members.items()} if chosen.member_service_accounts else {},
        "secrets_version": stack.secrets_version,
    }
