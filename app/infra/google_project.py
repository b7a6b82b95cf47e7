"""The Google project, read by REST: identity, billing, APIs, permissions, database and cluster.

The shapes are from Google's discovery documents cloudresourcemanager.v3, cloudbilling.v1, serviceusage.v1, iam.v1,
sqladmin.v1 and container.v1.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from app.config import Settings
from app.infra.google_rest import GoogleIdentity, GoogleRest

PERMISSIONS_A_CALL = 100
"""The most that testIamPermissions accepts."""
SERVICES_A_PAGE = 200


@dataclass(frozen=True)
class Project:
    """A Google Cloud project."""

    id: str
    number: str
    name: str
    is_active: bool
    """False if the project is being deleted."""


class GoogleProject:
    """The project in the settings. Raises the errors of GoogleRest."""

    def __init__(self, settings: Settings) -> None:
        self._project = settings.google_project
        self._rest = GoogleRest(settings.google_endpoint)

    async def who_am_i(self) -> GoogleIdentity:
        """The identity of this process's credentials."""
        return await self._rest.who_am_i()

    async def project(self) -> Project:
        """The project. Google returns the same error for one that does not exist and one that is not accessible."""
        answer = await self._rest.get("cloudresourcemanager", f"v3/projects/{self._project}")
        number = str(answer["name"]).removeprefix("projects/")
        return Project(answer["projectId"], number, answer.get("displayName", ""), answer.get("state") == "ACTIVE")

    async def billing_is_on(self) -> bool:
        """Whether the project has an open billing account."""
        answer = await self._rest.get("cloudbilling", f"v1/projects/{self._project}/billingInfo")
        return bool(answer.get("billingEnabled"))

    async def enabled_apis(self) -> frozenset[str]:
        """The names of enabled APIs, such as compute.googleapis.com."""
        names: set[str] = set()
        query = {"filter": "state:ENABLED", "pageSize": str(SERVICES_A_PAGE)}
        while True:
            answer = await self._rest.get("serviceusage", f"v1/projects/{self._project}/services", query)
            names |= {str(service["name"]).rpartition("/")[2] for service in answer.get("services", ())}
            if not answer.get("nextPageToken"):
                return frozenset(names)
            # A project has more APIs than fit on a page.
            query = {**query, "pageToken": answer["nextPageToken"]}

    async def granted(self, permissions: Sequence[str]) -> frozenset[str]:
        """Those of the permissions that the portal's identity has."""
        found: set[str] = set()
        for start in range(0, len(permissions), PERMISSIONS_A_CALL):
            body = {"permissions": list(permissions[start : start + PERMISSIONS_A_CALL])}
            path = f"v3/projects/{self._project}:testIamPermissions"
            answer = await self._rest.call("POST", "cloudresourcemanager", path, json=body)
            found |= set(answer.get("permissions", ()))
        return frozenset(found)

    async def holders(self) -> dict[str, frozenset[str]]:
        """Role → members that have it unconditionally in the project's IAM policy."""
        body = {"options": {"requestedPolicyVersion": 3}}
        answer = await self._rest.call(
            "POST", "cloudresourcemanager", f"v3/projects/{self._project}:getIamPolicy", json=body
        )
        bindings = [binding for binding in answer.get("bindings", ()) if not binding.get("condition")]
        return {str(binding["role"]): frozenset(binding.get("members", ())) for binding in bindings}

    async def may_act_as(self, service_account: str) -> bool:
        """Whether machines may be given this service account."""
        path = f"v1/projects/-/serviceAccounts/{quote(service_account)}:testIamPermissions"
        answer = await self._rest.call("POST", "iam", path, json={"permissions": ["iam.serviceAccounts.actAs"]})
        return bool(answer.get("permissions"))

    async def sql_state(self, instance: str) -> str | None:
        """The state of a Cloud SQL instance: RUNNABLE, MAINTENANCE …, or STOPPED; None if it does not exist.

        Google reports a stopped instance as RUNNABLE, with the activation policy NEVER.
        """
        found = await self._find("sqladmin", f"v1/projects/{self._project}/instances/{quote(instance)}")
        if found is None:
            return None
        is_stopped = found.get("settings", {}).get("activationPolicy") == "NEVER"
        return "STOPPED" if is_stopped and found["state"] == "RUNNABLE" else str(found["state"])

    async def cluster_status(self, location: str, cluster: str) -> str | None:
        """The state of a Kubernetes cluster: RUNNING, PROVISIONING, RECONCILING …; None if it does not exist."""
        place = f"v1/projects/{self._project}/locations/{quote(location)}"
        found = await self._find("container", f"{place}/clusters/{quote(cluster)}")
        return str(found["status"]) if found else None

    async def _find(self, service: str, path: str) -> dict[str, Any] | None:
        from google.api_core.exceptions import NotFound

        try:
            return await self._rest.get(service, path)
        except NotFound:
            return None
