"""The project as Resource Manager, Billing and Service Usage show it."""

from dataclasses import asdict

from emulator.core.project_settings import ProjectSettings
from emulator.core.projects import project_number
from emulator.core.store import Json, Store
from emulator.rules.iam import Policy
from emulator.views.common import fingerprint, without_empty

BORN = "2026-01-01T00:00:00Z"
SERVICE = "google_project_service"
USUAL = (
    *("artifactregistry", "cloudbilling", "cloudresourcemanager", "compute", "container", "iam", "iamcredentials"),
    *("secretmanager", "servicenetworking", "serviceusage", "sqladmin", "storage"),
)
"""Enabled from the start, so that no setup is needed."""


def project_view(project: str) -> Json:
    return {
        "name": f"projects/{project_number(project)}",
        "parent": "organizations/100000000001",
        "projectId": project,
        "state": "ACTIVE",
        "displayName": "Pocket project",
        "createTime": BORN,
        "updateTime": BORN,
        "etag": f'W/"{fingerprint(project)}"',
    }


def billing_view(project: str, *, is_enabled: bool) -> Json:
    return {
        "name": f"projects/{project}/billingInfo",
        "projectId": project,
        "billingAccountName": "billingAccounts/000000-EEEEEE-000000" if is_enabled else "",
        "billingEnabled": is_enabled,
    }


def enabled_services(store: Store, settings: ProjectSettings) -> list[str]:
    by_terraform = {str(resource.state.get("service")) for resource in store.all(SERVICE)}
    usual = {f"{name}.googleapis.com" for name in USUAL}
    return sorted((usual | by_terraform) - set(settings.apis_off))


def policy_view(policy: Policy) -> Json:
    bindings = [without_empty(asdict(binding)) for binding in policy.bindings]
    return without_empty({"version": 3, "etag": policy.etag, "bindings": bindings})


def service_view(project: str, name: str) -> Json:
    parent = f"projects/{project_number(project)}"
    return {
        "name": f"{parent}/services/{name}",
        "parent": parent,
        "config": {"name": name, "title": name},
        "state": "ENABLED",
    }
