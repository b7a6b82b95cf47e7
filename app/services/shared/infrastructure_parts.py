"""The parts of the shared infrastructure, each with its facts and the lines that a member copies.

Pure: from the shared stack's outputs, and from who looks.
"""

from collections.abc import Callable
from dataclasses import dataclass

from app.config import Settings
from app.services.shared import infrastructure_lines as lines
from app.services.shared.infrastructure_state import Outputs


@dataclass(frozen=True)
class Viewer:
    """Who looks, as far as what they need depends on it."""

    email: str
    ssh_username: str
    service_account: str | None
    """What their machines act as."""
    may_impersonate: bool
    """Whether Google lets them act as the accounts for data and artifacts: admins of the project, and members that the
    shared stack knows (terraform/shared/accounts.tf)."""


@dataclass(frozen=True)
class Fact:
    """One thing about a part."""

    name: str
    """For programs: an output of terraform/shared where it is one."""
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
    """One part of the infrastructure."""

    key: str
    title: str
    icon: str
    purpose: str
    """A sentence."""
    facts: tuple[Fact, ...]
    snippets: tuple[Snippet, ...]


def facts(*told: tuple[str, str, object]) -> tuple[Fact, ...]:
    return tuple(Fact(name, label, str(value)) for name, label, value in told if value)


def _text(outputs: Outputs, name: str) -> str:
    """One that is there with its part."""
    return str(outputs.get(name) or "")


def mlflow_elsewhere(settings: Settings) -> Part | None:
    """An MLflow that somebody else runs."""
    url = settings.mlflow_url
    if not url:
        return None
    snippets = (
        Snippet("In your shell", f"export MLFLOW_TRACKING_URI={url}"),
        Snippet("In Python", lines.MLFLOW_IN_PYTHON),
    )
    told = facts(("mlflow_url", "Address", url))
    return Part("mlflow", "MLflow", "pulse", "Keeps what experiments measure and make.", told, snippets)


def mlflow(outputs: Outputs, who: Viewer) -> Part | None:
    url, user = outputs.get("mlflow_url"), _text(outputs, "mlflow_member_username")
    if not url:
        return None
    secret = _text(outputs, "mlflow_member_password_secret")
    snippets = [
        Snippet(
            "On your workstation",
            lines.mlflow_on_a_workstation(url, user, secret, _text(outputs, "project")),
            "The machine reads the password itself: put these lines into its ~/.profile.",
        ),
        Snippet(
            "On your own computer",
            lines.mlflow(url, user, "PASSWORD"),
            "The password is shown when you ask for it. Your address must be on the list.",
        ),
        Snippet("In Python", lines.MLFLOW_IN_PYTHON),
    ]
    told = facts(
        ("mlflow_url", "Address", url),
        ("mlflow_member_username", "User name", user),
        ("mlflow_instance_name", "Machine", outputs.get("mlflow_instance_name")),
        ("mlflow_zone", "Zone", outputs.get("mlflow_zone")),
        ("mlflow_bucket_name", "Bucket of artifacts", outputs.get("mlflow_bucket_name")),
        ("mlflow_member_password_secret", "Secret with the password", secret),
    )
    purpose = "Keeps what experiments measure and make. Artifacts go through it: its bucket wants no rights of yours."
    return Part("mlflow", "MLflow", "pulse", purpose, told, tuple(snippets))


def _sql(outputs: Outputs, who: Viewer) -> Part | None:
    name, address = outputs.get("sql_instance_name"), _text(outputs, "sql_private_address")
    if not name:
        return None
    user, database = _text(outputs, "sql_user"), _text(outputs, "sql_database") or "postgres"
    told = facts(
        ("sql_instance_name", "Instance", name),
        ("sql_private_address", "Private address", address),
        ("sql_database", "Database", database),
        ("sql_user", "User", user),
        ("sql_connection_name", "Connection name", outputs.get("sql_connection_name")),
        ("sql_password_secret", "Secret with the password", outputs.get("sql_password_secret")),
    )
    snippets = (
        Snippet(
            "On a workstation", lines.psql(address, user, database), "It asks for the password, which admins have."
        ),
        Snippet(
            "From your own computer",
            lines.psql_through_ssh(address, user, database),
            "It has no public address: this goes through a workstation of yours.",
        ),
    )
    purpose = "PostgreSQL, inside the network only. MLflow keeps its experiments in it."
    return Part("sql", "Cloud SQL", "disk", purpose, told, snippets)


def _docker(outputs: Outputs, who: Viewer) -> Part | None:
    url = outputs.get("docker_registry_url")
    if not url:
        return None
    told = facts(
        ("docker_registry_url", "Images begin with", url),
        ("docker_registry_name", "Registry", outputs.get("docker_registry_name")),
        *_writers(outputs, who),
    )
    login = [Snippet("Log in on a workstation", lines.docker_on_a_workstation(url))]
    login += _impersonated(outputs, who, "Log in on your own computer", lambda account: lines.docker_as(account, url))
    snippets = (*login, Snippet("Push and pull", lines.docker_push(url)))
    return Part("docker", "Docker registry", "stack", "Container images of the team.", told, snippets)


def _pypi(outputs: Outputs, who: Viewer) -> Part | None:
    url = outputs.get("pypi_registry_url")
    if not url:
        return None
    told = facts(
        ("pypi_index_url", "Index", f"{url}/simple/"),
        ("pypi_registry_url", "Upload to", f"{url}/"),
        ("pypi_registry_name", "Registry", outputs.get("pypi_registry_name")),
        *_writers(outputs, who),
    )
    token = [Snippet("First: a token on a workstation", lines.token(), "Good for an hour, and written nowhere.")]
    token += _impersonated(outputs, who, "First: a token on your own computer", lines.token_as)
    tools = [
        Snippet(tool, text(url)) for tool, text in (("pip", lines.pip), ("uv", lines.uv), ("Poetry", lines.poetry))
    ]
    return Part("pypi", "Python registry", "package", "Python packages of the team.", told, (*token, *tools))


def _writers(outputs: Outputs, who: Viewer) -> tuple[tuple[str, str, object], ...]:
    return (
        ("workstation_service_account", "Your workstations act as", who.service_account),
        ("artifact_writer_service_account", "Account that may push", outputs.get("artifact_writer_service_account")),
    )


def _impersonated(outputs: Outputs, who: Viewer, title: str, text: Callable[[str], str]) -> list[Snippet]:
    account = outputs.get("artifact_writer_service_account")
    return [Snippet(title, text(account))] if account and who.may_impersonate else []


def _storage(outputs: Outputs, who: Viewer) -> Part | None:
    data, account = outputs.get("data_bucket_name"), outputs.get("data_bucket_service_account")
    if not data:
        return None
    told = facts(
        ("data_bucket_name", "Data", data),
        ("evaluation_bucket_name", "Evaluation results", outputs.get("evaluation_bucket_name")),
        ("data_logs_bucket_name", "Access logs of the data", outputs.get("data_logs_bucket_name")),
        ("workstation_service_account", "Your workstations act as", who.service_account),
        ("data_bucket_service_account", "Account for the data", account),
        ("kubernetes_service_account", "Pods act as", outputs.get("kubernetes_service_account")),
    )
    snippets = [
        Snippet("On a workstation", lines.gsutil(data)),
        Snippet("In Python", lines.storage_in_python(data, _text(outputs, "project"))),
    ]
    if account and who.may_impersonate:
        snippets.append(Snippet("On your own computer", lines.gsutil_as(account, data)))
    purpose = "Your workstations read and write the data. Evaluation results are written by pods."
    return Part("storage", "Buckets", "bucket", purpose, told, tuple(snippets))


def _kubernetes(outputs: Outputs, who: Viewer) -> Part | None:
    name, location = outputs.get("kubernetes_cluster_name"), _text(outputs, "kubernetes_location")
    if not name:
        return None
    account = outputs.get("kubernetes_service_account")
    told = facts(
        ("kubernetes_cluster_name", "Cluster", name),
        ("kubernetes_location", "Region", location),
        ("pods_ip_range", "Addresses of pods", outputs.get("pods_ip_range")),
        ("kubernetes_network_name", "Network", outputs.get("kubernetes_network_name")),
        ("kubernetes_service_account", "Pods act as", account),
    )
    snippets = [Snippet("Cluster credentials", lines.cluster_credentials(name, location, _text(outputs, "project")))]
    if account:
        note = "Once a cluster. Pods that run as it reach the buckets, and MLflow's password."
        snippets.append(Snippet("A service account for pods", lines.pods_account(account), note))
    purpose = "GKE Autopilot, in a network of its own that is peered with the workstations'. Nodes come with the pods."
    return Part("kubernetes", "Kubernetes", "cluster", purpose, told, tuple(snippets))


OTHERS = (_docker, _pypi, _storage, _sql, _kubernetes)
