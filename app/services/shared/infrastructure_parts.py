"""The parts of the shared infrastructure, each with its facts and lines to copy.

Pure functions of Terraform's outputs and of the viewer.
"""

from collections.abc import Callable
from dataclasses import dataclass

from app.config import Settings
from app.services.shared import infrastructure_lines as lines
from app.services.shared.infrastructure_state import Outputs


@dataclass(frozen=True)
class Reader:
    """The viewer, as far as the lines depend on it."""

    email: str
    ssh_username: str
    service_account: str | None
    """The service account of their workstations."""
    may_impersonate: bool
    """Whether they may act as the service accounts for data and artifacts (terraform/shared/accounts.tf)."""


@dataclass(frozen=True)
class Fact:
    """A fact about a part."""

    name: str
    """The name in the API: the output of terraform/shared if it is one."""
    label: str
    value: str


@dataclass(frozen=True)
class Snippet:
    """Lines to copy."""

    title: str
    text: str
    note: str = ""


@dataclass(frozen=True)
class Part:
    """A part of the infrastructure."""

    key: str
    title: str
    icon: str
    purpose: str
    """A description in one sentence."""
    facts: tuple[Fact, ...]
    snippets: tuple[Snippet, ...]


def facts(*rows: tuple[str, str, object]) -> tuple[Fact, ...]:
    return tuple(Fact(name, label, str(value)) for name, label, value in rows if value)


def _text(outputs: Outputs, name: str) -> str:
    """The text of an output that exists whenever its part exists."""
    return str(outputs.get(name) or "")


def mlflow_elsewhere(settings: Settings) -> Part | None:
    """An MLflow server outside of the shared stack."""
    url = settings.mlflow_url
    if not url:
        return None
    snippets = (
        Snippet("In your shell", f"export MLFLOW_TRACKING_URI={url}"),
        Snippet("In Python", lines.MLFLOW_IN_PYTHON),
    )
    shown = facts(("mlflow_url", "URL", url))
    return Part("mlflow", "MLflow", "heartbeat", "Tracks experiments.", shown, snippets)


def mlflow(outputs: Outputs, who: Reader) -> Part | None:
    url, user = outputs.get("mlflow_url"), _text(outputs, "mlflow_member_username")
    if not url:
        return None
    secret = _text(outputs, "mlflow_member_password_secret")
    snippets = [
        Snippet(
            "On your workstation",
            lines.mlflow_on_a_workstation(url, user, secret, _text(outputs, "project")),
            "The machine reads the password from Secret Manager. Add these lines to its ~/.profile.",
        ),
        Snippet(
            "On your own computer",
            lines.mlflow(url, user, "PASSWORD"),
            "Replace PASSWORD with the MLflow password. Your IP address must be allowed.",
        ),
        Snippet("In Python", lines.MLFLOW_IN_PYTHON),
    ]
    shown = facts(
        ("mlflow_url", "URL", url),
        ("mlflow_member_username", "Username", user),
        ("mlflow_instance_name", "Machine", outputs.get("mlflow_instance_name")),
        ("mlflow_zone", "Zone", outputs.get("mlflow_zone")),
        ("mlflow_bucket_name", "Artifact bucket", outputs.get("mlflow_bucket_name")),
        ("mlflow_member_password_secret", "Password secret", secret),
    )
    purpose = "Tracks experiments. Artifacts are stored through MLflow; you need no bucket permissions."
    return Part("mlflow", "MLflow", "heartbeat", purpose, shown, tuple(snippets))


def _sql(outputs: Outputs, who: Reader) -> Part | None:
    name, address = outputs.get("sql_instance_name"), _text(outputs, "sql_private_address")
    if not name:
        return None
    user, database = _text(outputs, "sql_user"), _text(outputs, "sql_database") or "postgres"
    shown = facts(
        ("sql_instance_name", "Instance", name),
        ("sql_private_address", "Private IP", address),
        ("sql_database", "Database", database),
        ("sql_user", "User", user),
        ("sql_connection_name", "Connection name", outputs.get("sql_connection_name")),
        ("sql_password_secret", "Password secret", outputs.get("sql_password_secret")),
    )
    snippets = (
        Snippet("On a workstation", lines.psql(address, user, database), "Ask an admin for the password."),
        Snippet(
            "From your own computer",
            lines.psql_through_ssh(address, user, database),
            "The database has no public IP. This connects through your workstation.",
        ),
    )
    purpose = "PostgreSQL with a private IP only. MLflow stores experiments here."
    return Part("sql", "Cloud SQL", "disk", purpose, shown, snippets)


def _docker(outputs: Outputs, who: Reader) -> Part | None:
    url = outputs.get("docker_registry_url")
    if not url:
        return None
    shown = facts(
        ("docker_registry_url", "Image prefix", url),
        ("docker_registry_name", "Registry", outputs.get("docker_registry_name")),
        *_writers(outputs, who),
    )
    login = [Snippet("Sign in on a workstation", lines.docker_on_a_workstation(url))]
    login += _impersonated(outputs, who, "Sign in on your own computer", lambda account: lines.docker_as(account, url))
    snippets = (*login, Snippet("Push and pull", lines.docker_push(url)))
    return Part("docker", "Docker registry", "stack", "Container images for the team.", shown, snippets)


def _pypi(outputs: Outputs, who: Reader) -> Part | None:
    url = outputs.get("pypi_registry_url")
    if not url:
        return None
    shown = facts(
        ("pypi_index_url", "Index URL", f"{url}/simple/"),
        ("pypi_registry_url", "Upload URL", f"{url}/"),
        ("pypi_registry_name", "Registry", outputs.get("pypi_registry_name")),
        *_writers(outputs, who),
    )
    token = [Snippet("Get a token on a workstation", lines.token(), "Valid for one hour. Not saved to disk.")]
    token += _impersonated(outputs, who, "Get a token on your own computer", lines.token_as)
    tools = [
        Snippet(tool, text(url)) for tool, text in (("pip", lines.pip), ("uv", lines.uv), ("Poetry", lines.poetry))
    ]
    return Part("pypi", "Python registry", "package", "Python packages for the team.", shown, (*token, *tools))


def _writers(outputs: Outputs, who: Reader) -> tuple[tuple[str, str, object], ...]:
    return (
        ("workstation_service_account", "Service account of your workstations", who.service_account),
        ("artifact_writer_service_account", "Account for pushing", outputs.get("artifact_writer_service_account")),
    )


def _impersonated(outputs: Outputs, who: Reader, title: str, text: Callable[[str], str]) -> list[Snippet]:
    account = outputs.get("artifact_writer_service_account")
    return [Snippet(title, text(account))] if account and who.may_impersonate else []


def _storage(outputs: Outputs, who: Reader) -> Part | None:
    data, account = outputs.get("data_bucket_name"), outputs.get("data_bucket_service_account")
    if not data:
        return None
    shown = facts(
        ("data_bucket_name", "Data", data),
        ("evaluation_bucket_name", "Evaluation results", outputs.get("evaluation_bucket_name")),
        ("data_logs_bucket_name", "Data access logs", outputs.get("data_logs_bucket_name")),
        ("workstation_service_account", "Service account of your workstations", who.service_account),
        ("data_bucket_service_account", "Service account for the data", account),
        ("kubernetes_service_account", "Service account of pods", outputs.get("kubernetes_service_account")),
    )
    snippets = [
        Snippet("On a workstation", lines.gsutil(data)),
        Snippet("In Python", lines.storage_in_python(data, _text(outputs, "project"))),
    ]
    if account and who.may_impersonate:
        snippets.append(Snippet("On your own computer", lines.gsutil_as(account, data)))
    purpose = "Workstations can read and write the data. Pods write evaluation results."
    return Part("storage", "Buckets", "bucket", purpose, shown, tuple(snippets))


def _kubernetes(outputs: Outputs, who: Reader) -> Part | None:
    name, location = outputs.get("kubernetes_cluster_name"), _text(outputs, "kubernetes_location")
    if not name:
        return None
    account = outputs.get("kubernetes_service_account")
    shown = facts(
        ("kubernetes_cluster_name", "Cluster", name),
        ("kubernetes_location", "Region", location),
        ("pods_ip_range", "Pod IP range", outputs.get("pods_ip_range")),
        ("kubernetes_network_name", "Network", outputs.get("kubernetes_network_name")),
        ("kubernetes_service_account", "Service account of pods", account),
    )
    snippets = [Snippet("Cluster credentials", lines.cluster_credentials(name, location, _text(outputs, "project")))]
    if account:
        note = "Run once per cluster. Pods with this account can access the buckets and the MLflow password."
        snippets.append(Snippet("Service account for pods", lines.pods_account(account), note))
    purpose = "GKE Autopilot in its own network, peered with the workstations' network. Nodes scale automatically."
    return Part("kubernetes", "Kubernetes", "cluster", purpose, shown, tuple(snippets))


OTHERS = (_docker, _pypi, _storage, _sql, _kubernetes)
