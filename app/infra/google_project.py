"""The Google project, read by REST: identity, billing, APIs, permissions, database and cluster.

The shapes are from Google's discovery documents cloudresourcemanager.v3, cloudbilling.v1, serviceusage.v1, iam.v1,
sqladmin.v1 and container.v1.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import quote

from app.config import Settings

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
TIMEOUT_SECONDS = 15.0
PERMISSIONS_A_CALL = 100
"""The most that testIamPermissions accepts."""
SERVICES_A_PAGE = 200


@dataclass(frozen=True)
class GoogleIdentity:
    """The identity of the portal's credentials."""

    kind: str
    """The kind in words: a service account, a person, nobody."""
    email: str | None = None
    """None if the credentials do not contain it, like those of a person."""


@dataclass(frozen=True)
class Project:
    """A Google Cloud project."""

    id: str
    number: str
    name: str
    is_active: bool
    """False if the project is being deleted."""


class GoogleProject:
    """The project in the settings. Calls run in threads, and are not repeated.

    Raises the errors of Google's clients: GoogleAPICallError (google.api_core) for error responses, GoogleAuthError
    (google.auth) without credentials, and OSError (requests.RequestException) without a response.
    """

    def __init__(self, settings: Settings) -> None:
        self._project = settings.google_project
        self._endpoint = settings.google_endpoint

    async def who_am_i(self) -> GoogleIdentity:
        """The identity of this process's credentials."""
        return await asyncio.to_thread(self._who_am_i)

    async def project(self) -> Project:
        """The project. Google returns the same error for one that does not exist and one that is not accessible."""
        answer = await self._get("cloudresourcemanager", f"v3/projects/{self._project}")
        number = str(answer["name"]).removeprefix("projects/")
        return Project(answer["projectId"], number, answer.get("displayName", ""), answer.get("state") == "ACTIVE")

    async def billing_is_on(self) -> bool:
        """Whether the project has an open billing account."""
        answer = await self._get("cloudbilling", f"v1/projects/{self._project}/billingInfo")
        return bool(answer.get("billingEnabled"))

    async def enabled_apis(self) -> frozenset[str]:
        """The names of enabled APIs, such as compute.googleapis.com."""
        names: set[str] = set()
        query = {"filter": "state:ENABLED", "pageSize": str(SERVICES_A_PAGE)}
        while True:
            answer = await self._get("serviceusage", f"v1/projects/{self._project}/services", query)
            names |= {str(service["name"]).rpartition("/")[2] for service in answer.get("services", ())}
            if not answer.get("nextPageToken"):
                return frozenset(names)
            query = {**query, "pageToken": answer["nextPageToken"]}

    async def granted(self, permissions: Sequence[str]) -> frozenset[str]:
        """Those of the permissions that the portal's identity has."""
        found: set[str] = set()
        for start in range(0, len(permissions), PERMISSIONS_A_CALL):
            body = {"permissions": list(permissions[start : start + PERMISSIONS_A_CALL])}
            path = f"v3/projects/{self._project}:testIamPermissions"
            answer = await self._call("POST", "cloudresourcemanager", path, json=body)
            found |= set(answer.get("permissions", ()))
        return frozenset(found)

    async def holders(self) -> dict[str, frozenset[str]]:
        """Role → members that have it unconditionally in the project's IAM policy."""
        body = {"options": {"requestedPolicyVersion": 3}}
        answer = await self._call(
            "POST", "cloudresourcemanager", f"v3/projects/{self._project}:getIamPolicy", json=body
        )
        bindings = [binding for binding in answer.get("bindings", ()) if not binding.get("condition")]
        return {str(binding["role"]): frozenset(binding.get("members", ())) for binding in bindings}

    async def may_act_as(self, service_account: str) -> bool:
        """Whether machines may be given this service account."""
        path = f"v1/projects/-/serviceAccounts/{quote(service_account)}:testIamPermissions"
        answer = await self._call("POST", "iam", path, json={"permissions": ["iam.serviceAccounts.actAs"]})
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
            return await self._get(service, path)
        except NotFound:
            return None

    async def _get(self, service: str, path: str, query: dict[str, str] | None = None) -> dict[str, Any]:
        return await self._call("GET", service, path, params=query)

    async def _call(self, method: str, service: str, path: str, **arguments: Any) -> dict[str, Any]:
        return await asyncio.to_thread(self._call_now, method, service, path, **arguments)

    def _call_now(self, method: str, service: str, path: str, **arguments: Any) -> dict[str, Any]:
        from google.api_core.exceptions import from_http_response

        base = self._endpoint or f"https://{service}.googleapis.com"
        response = self._session.request(method, f"{base}/{path}", timeout=TIMEOUT_SECONDS, **arguments)
        if not response.ok:
            raise from_http_response(response)
        return dict(response.json())

    def _who_am_i(self) -> GoogleIdentity:
        from google.auth.transport.requests import Request

        if self._is_plain_http:
            return GoogleIdentity("nobody: credentials never travel over plain HTTP")
        credentials = self._session.credentials
        # The credentials of a machine know the service account only after the first refresh.
        credentials.refresh(Request())
        email = getattr(credentials, "service_account_email", None) or getattr(credentials, "signer_email", None)
        if email:
            return GoogleIdentity("a service account", str(email))
        return GoogleIdentity(
            f"credentials of the type {type(credentials).__module__}", getattr(credentials, "account", None)
        )

    @property
    def _is_plain_http(self) -> bool:
        return self._endpoint.startswith("http://")

    @cached_property
    def _session(self) -> Any:
        import google.auth
        from google.auth.credentials import AnonymousCredentials
        from google.auth.transport.requests import AuthorizedSession

        if self._is_plain_http:
            return AuthorizedSession(AnonymousCredentials())
        credentials, _ = google.auth.default(scopes=[SCOPE], quota_project_id=None)
        return AuthorizedSession(credentials)
