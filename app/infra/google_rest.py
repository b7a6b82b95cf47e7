"""Google's REST APIs, called with the credentials of this process."""

import asyncio
from dataclasses import dataclass
from functools import cached_property
from typing import Any

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
TIMEOUT_SECONDS = 15.0


@dataclass(frozen=True)
class GoogleIdentity:
    """Whom Google sees asking."""

    kind: str
    """In words: a service account, a person, nobody."""
    email: str | None = None
    """None where the credentials do not say it, as those of a person do not."""


class GoogleRest:
    """Calls block, so each is made in a thread; nothing is tried twice.

    Raises google.api_core.exceptions.GoogleAPICallError for an answer that is an error, google.auth's GoogleAuthError
    without credentials, and OSError (requests.RequestException) where there is no answer.
    """

    def __init__(self, endpoint: str) -> None:
        """`endpoint` stands in for all of Google's hosts; empty for those themselves."""
        self._endpoint = endpoint

    async def get(self, service: str, path: str, query: dict[str, str] | None = None) -> dict[str, Any]:
        """What is at this path of SERVICE.googleapis.com."""
        return await self.call("GET", service, path, params=query)

    async def call(self, method: str, service: str, path: str, **arguments: Any) -> dict[str, Any]:
        """Any other call; `arguments` are those of requests."""
        return await asyncio.to_thread(self._call_now, method, service, path, **arguments)

    def _call_now(self, method: str, service: str, path: str, **arguments: Any) -> dict[str, Any]:
        from google.api_core.exceptions import from_http_response

        base = self._endpoint or f"https://{service}.googleapis.com"
        response = self._session.request(method, f"{base}/{path}", timeout=TIMEOUT_SECONDS, **arguments)
        if not response.ok:
            raise from_http_response(response)
        return dict(response.json())

    async def who_am_i(self) -> GoogleIdentity:
        """Whom the credentials of this process stand for."""
        return await asyncio.to_thread(self._who_am_i)

    def _who_am_i(self) -> GoogleIdentity:
        from google.auth.transport.requests import Request

        if self._is_plain_http:
            return GoogleIdentity("nobody, because credentials are not sent over plain HTTP")
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
