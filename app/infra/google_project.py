"""The project as a whole, as Google tells it by REST: who asks, billing, APIs, permissions, its database and cluster.

Shapes from Google's discovery documents cloudresourcemanager.v3, cloudbilling.v1, serviceusage.v1, iam.v1, sqladmin.v1
and container.v1.
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
"""testIamPermissions takes no more."""
SERVICES_A_PAGE = 200


@dataclass(frozen=True)
class GoogleIdentity:
    """Whom Google sees asking."""

    kind: str
    """In words: a service account, a person, nobody."""
    email: str | None = None
    """None where the credentials do not say it, as those of a person do not."""


@dataclass(frozen=True)
class Project:
    """A Google Cloud project."""

    id: str
    number: str
    name: str
    is_active: bool
    """Not when it is about to be deleted."""


class GoogleProject:
    """The project of the settings. Calls block, so each is made in a thread.

    Raises google.api_core.exceptions.GoogleAPICallError for an answer that is an error, google.auth's GoogleAuthError
    without credentials, and OSError (requests.RequestException) where there is no answer. Nothing is tried twice.
    """

    def __init__(self, settings: Settings) -> None:
        self._project = settings.google_project
        self._endpoint = settings.google_endpoint

    async def who_am_i(self) -> GoogleIdentity:
        """Whom the credentials of this process stand for."""
        return await asyncio.to_thread(self._who_am_i)

    async def project(self) -> Project:
        """The project itself; a project that does not exist is forbidden, as one is that is somebody else's."""
        answer = await self._get("cloudresourcemanager", f"v3/projects/{self._project}")
        number = str(answer["name"]).removeprefix("projects/")
        return Project(answer["projectId"], number, answer.get("displayName", ""), answer.get("state") == "ACTIVE")

    async def billing_is_on(self) -> bool:
        """Whether an open billing account pays for it."""
        answer = await self._get("cloudbilling", f"v1/projects/{self._project}/billingInfo")
        return bool(answer.get("billingEnabled"))

    async def enabled_apis(self) -> frozenset[str]:
        """Names such as compute.googleapis.com."""
        names: set[str] = set()
        query = {"filter": "state:ENABLED", "pageSize": str(SERVICES_A_PAGE)}
        while True:
            answer = await self._get("serviceusage", f"v1/projects/{self._project}/services", query)
            names |= {str(service["name"]).rpartition("/")[2] for service in answer.get("services", ())}
            if not answer.get("nextPageToken"):
                return frozenset(names)
            query = {**query, "pageToken": answer["nextPageToken"]}

    async def granted(self, permissions: Sequence[str]) -> frozenset[str]:
        """Those of these permissions that the asker has on the project."""
        found: set[str] = set()
        for start in range(0, len(permissions), PERMISSIONS_A_CALL):
            asked = {"permissions": list(permissions[start : start + PERMISSIONS_A_CALL])}
            path = f"v3/projects/{self._project}:testIamPermissions"
            answer = await self._call("POST", "cloudresourcemanager", path, json=asked)
            found |= set(answer.get("permissions", ()))
        return frozenset(found)

    async def holders(self) -> dict[str, frozenset[str]]:
        """Role → who has it without a condition, by the project's IAM policy."""
        asked = {"options": {"requestedPolicyVersion": 3}}
        answer = await self._call(
            "POST", "cloudresourcemanager", f"v3/projects/{self._project}:getIamPolicy", json=asked
        )
        bindings = [binding for binding in answer.get("bindings", ()) if not binding.get("condition")]
        return {str(binding["role"]): frozenset(binding.get("members", ())) for binding in bindings}

    async def may_act_as(self, service_account: str) -> bool:
        """Whether machines may be given that service account."""
        path = f"v1/projects/-/serviceAccounts/{quote(service_account)}:testIamPermissions"
        answer = await self._call("POST", "iam", path, json={"permissions": ["iam.serviceAccounts.actAs"]})
        return bool(answer.get("permissions"))

    async def sql_state(self, instance: str) -> str | None:
        """How a Cloud SQL instance is: RUNNABLE, MAINTENANCE …, or STOPPED; None when it does not exist.

        Google calls an instance that somebody has stopped RUNNABLE as well, and tells by its policy that it never runs.
        """
        found = await self._find("sqladmin", f"v1/projects/{self._project}/instances/{quote(instance)}")
        if found is None:
            return None
        is_stopped = found.get("settings", {}).get("activationPolicy") == "NEVER"
        return "STOPPED" if is_stopped and found["state"] == "RUNNABLE" else str(found["state"])

    async def cluster_status(self, location: str, cluster: str) -> str | None:
        """How a Kubernetes cluster is: RUNNING, PROVISIONING, RECONCILING …; None when it does not exist."""
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
        # A machine's service account says who it is only once its first token has come.
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
