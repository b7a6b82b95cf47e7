"""Secret Manager, which stores the private keys that the portal generates. Payloads are never logged."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import structlog

from app.config import Settings
from app.errors import StationmasterError, UnavailableError

TIMEOUT_SECONDS = 15.0

T = TypeVar("T")
log = structlog.get_logger()


class SecretGoneError(StationmasterError):
    """The secret no longer exists in Secret Manager."""

    status = 410
    code = "gone"


class SecretStore:
    """The project's secrets. Every call runs in a thread and raises UnavailableError if Google does not respond."""

    def __init__(self, settings: Settings) -> None:
        self._endpoint = settings.secret_manager_endpoint
        self._project = settings.google_project
        self._client: Any = None
        self._making = threading.Lock()

    async def put(self, name: str, payload: bytes) -> None:
        """Store `payload` as a new secret. If this raises, nothing is stored."""
        await asyncio.to_thread(self._put, name, payload)

    async def get(self, name: str) -> bytes:
        """The newest version's payload. Raises SecretGoneError if there is none."""
        return await asyncio.to_thread(self._get, name)

    async def delete(self, name: str) -> None:
        """Delete the secret with all its versions. It is no error if it does not exist."""
        await asyncio.to_thread(self._delete, name)

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await asyncio.to_thread(self._client.transport.close)

    def _put(self, name: str, payload: bytes) -> None:
        from google.api_core.exceptions import Conflict

        client = self._connected()
        secret = {"replication": {"automatic": {}}, "labels": {"managed-by": "stationmaster"}}
        with _sentences():
            try:
                self._call(client.create_secret, parent=f"projects/{self._project}", secret_id=name, secret=secret)
            except Conflict:
                # Names are unique, so this is a repeated call whose first response was lost.
                log.info("secret exists already, adding a version", secret=name)
        try:
            with _sentences():
                self._call(client.add_secret_version, parent=self._path(name), payload={"data": payload})
        except UnavailableError:
            # A secret without a version would be of no use to anybody.
            self._delete_leftover(name)
            raise

    def _get(self, name: str) -> bytes:
        from google.api_core.exceptions import BadRequest, NotFound

        client = self._connected()
        with _sentences():
            try:
                version = self._call(client.access_secret_version, name=f"{self._path(name)}/versions/latest")
            except (NotFound, BadRequest) as error:  # BadRequest: the version was disabled or destroyed by hand.
                raise SecretGoneError(
                    "The private key is no longer in Secret Manager.",
                    hint="Delete this key and generate a new pair.",
                ) from error
        return bytes(version.payload.data)

    def _delete(self, name: str) -> None:
        from google.api_core.exceptions import NotFound

        client = self._connected()
        with _sentences():
            try:
                self._call(client.delete_secret, name=self._path(name))
            except NotFound:
                log.info("secret was gone already", secret=name)

    def _delete_leftover(self, name: str) -> None:
        try:
            self._delete(name)
        except UnavailableError:
            log.warning("an empty secret is left over", secret=name)

    def _call(self, method: Callable[..., T], **arguments: Any) -> T:
        # Google's own retries take minutes, but a person is waiting, who can try again.
        return method(**arguments, timeout=TIMEOUT_SECONDS, retry=None)

    def _path(self, name: str) -> str:
        return f"projects/{self._project}/secrets/{name}"

    def _connected(self) -> Any:
        """The client, created by the first call."""
        # Threads of several requests may need the client at the same time.
        with self._making, _sentences():
            if self._client is None:
                # Imported late, because it takes half a second and 15 MB.
                from google.cloud import secretmanager_v1

                self._client = secretmanager_v1.SecretManagerServiceClient(transport="rest", **self._client_options())
        return self._client

    def _client_options(self) -> dict[str, Any]:
        if not self._endpoint:
            return {}
        options: dict[str, Any] = {"client_options": {"api_endpoint": self._endpoint}}
        if self._endpoint.startswith("http://"):
            from google.auth.credentials import AnonymousCredentials

            # Credentials are never sent over plain HTTP, and an emulator needs none.
            options["credentials"] = AnonymousCredentials()
        return options


@contextmanager
def _sentences() -> Iterator[None]:
    """Raise UnavailableError, with a sentence, for Google's errors."""
    from google.api_core.exceptions import Forbidden, GoogleAPIError, Unauthorized
    from google.auth.exceptions import GoogleAuthError, TransportError

    try:
        yield
    # OSError is raised by the HTTP library if there is no response.
    except (GoogleAPIError, GoogleAuthError, OSError) as error:
        log.warning("Secret Manager failed", error=str(error))
        refused = (Forbidden, Unauthorized, GoogleAuthError)
        if isinstance(error, refused) and not isinstance(error, TransportError):
            raise UnavailableError(
                "The portal is not allowed to use Secret Manager.",
                hint="Ask an admin to enable its API and to grant the portal's identity access to the secrets.",
            ) from error
        raise UnavailableError(
            "Secret Manager is not responding.", hint="No changes were made. Wait a minute, then try again."
        ) from error
