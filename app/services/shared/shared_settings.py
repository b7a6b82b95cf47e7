"""What admins choose of the shared stack, and the variables of terraform/shared that follow from it."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from app.config import Settings
from app.errors import InvalidError
from app.infra.zones import region_of
from app.models import SharedStack
from app.models.allowed_ip import Network
from app.services import ip_ranges

OWNER = "roles/owner"
PREFIX = re.compile(r"[a-z][-a-z0-9]{0,16}[a-z0-9]")
LONGEST_PREFIX = 18
"""As terraform/shared has it: account ids at Google have at most 30 characters."""


def _prefix(text: str) -> str:
    if not PREFIX.fullmatch(text):
        raise ValueError(f"use 2 to {LONGEST_PREFIX} lower-case letters, digits and hyphens; begin with a letter")
    return text


def _ranges(texts: list[str]) -> list[str]:
    """Each as ipaddress writes it, in order and once."""
    return [str(network) for network in sorted({_range(text) for text in texts}, key=str)]


def _range(text: str) -> Network:
    try:
        return ip_ranges.read(text)
    except InvalidError as error:
        raise ValueError(" ".join(error.fields.values())) from error


class SharedSettings(BaseModel):
    """The form of the shared stack. Names are those of the root's variables."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    prefix: Annotated[str, AfterValidator(_prefix)] = Field(description="Last part of the name of everything.")
    zone: str = Field(description="Zone of the MLflow server; the region of everything else follows.")
    enable_services: bool = Field(True, description="Google's APIs")
    deploy_storage: bool = Field(True, description="Buckets for data and results")
    deploy_docker_registry: bool = Field(True, description="Docker registry")
    deploy_pypi_registry: bool = Field(True, description="Python package registry")
    deploy_sql: bool = Field(True, description="Cloud SQL (PostgreSQL)")
    deploy_mlflow: bool = Field(True, description="MLflow server")
    deploy_kubernetes: bool = Field(False, description="Kubernetes cluster")
    deploy_service_accounts: bool = Field(True, description="A service account for workstations")
    member_service_accounts: bool = Field(False, description="A service account for each member")
    create_service_account_keys: bool = Field(False, description="JSON keys of service accounts")
    authoritative_admins: bool = Field(False, description="Nobody but the IAM admins listed here")
    iam_admin_role: Literal["roles/owner", "roles/editor"] = Field("roles/owner", description="Role of IAM admins")
    ssh_allowed_ips: Annotated[list[str], AfterValidator(_ranges)] = Field([], description="SSH is open to")
    sql_tier: str = Field(
        "db-f1-micro", pattern=r"^db-(f1-micro|g1-small|custom-[0-9]+-[0-9]+)$", description="Cloud SQL machine"
    )
    sql_user: str = Field("mlflow", pattern=r"^[a-z][a-z0-9_]{0,62}$", description="Cloud SQL user")
    mlflow_machine_type: str = Field("e2-small", pattern=r"^[a-z][a-z0-9-]{2,40}$", description="MLflow machine")
    deletion_protection: bool = Field(True, description="Protect SQL and Kubernetes from being deleted")
    force_destroy_buckets: bool = Field(False, description="Let buckets be deleted with what is in them")


def problem_of_role(role: str, iam_admins: Iterable[str]) -> str | None:
    """Why Google would refuse the role to one of these, in a sentence."""
    domain = next((admin for admin in iam_admins if admin.startswith("domain:")), None)
    if role != OWNER or domain is None:
        return None
    return f"Google makes no domain an owner, so {domain} cannot be one. Use a group of its people, or the role Editor."


def defaults(settings: Settings) -> SharedSettings:
    """What the form proposes: the prefix is the project's id, as far as there is room."""
    prefix = settings.google_project[:LONGEST_PREFIX].strip("-")
    return SharedSettings(prefix=prefix if PREFIX.fullmatch(prefix) else "shared", zone=settings.default_zone)


def of(stack: SharedStack, settings: Settings) -> SharedSettings:
    """What was last applied; the defaults for what was never chosen."""
    return stored(stack.settings, defaults(settings))


def stored(values: Mapping[str, Any], base: SharedSettings) -> SharedSettings:
    """Settings as an earlier release, or this one, has stored them; what they do not say is as in `base`.

    They fitted when they were chosen: a rule that has become stricter since keeps nobody from reading or undoing them.
    """
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
    """The variables of terraform/shared. Its passwords are not among them: the worker hands those over apart.

    :param cidrs: the ranges that may reach MLflow.
    :param members: SSH user name → address of everybody; each gets a service account where that is chosen.
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
