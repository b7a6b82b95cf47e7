"""The emulated cloud over HTTP, for what the emulator's server offers below `/terraform/`.

HTTP/1.0 on a plain socket: one request a connection, no chunks, nothing to keep. The standard library's client would be
used if importing it did not take as long as the whole of a refresh.
"""

import json
import socket
from typing import Any
from urllib.parse import quote, urlsplit

from emulator.provider.errors import GoogleApiError

CONNECT_SECONDS = 10.0


class CloudClient:
    def __init__(self, url: str) -> None:
        self.url = url
        parts = urlsplit(url)
        self._address = (parts.hostname or "127.0.0.1", parts.port or 80)
        self._prefix = parts.path

    def create(self, resource_type: str, resource_id: str, body: dict[str, Any]) -> dict[str, Any]:
        """The state after creating. Blocks until the operation is done. Raises GoogleApiError, as all of these do."""
        return _state(self._call("POST", _path(resource_type, resource_id), body))

    def update(self, resource_type: str, resource_id: str, body: dict[str, Any]) -> dict[str, Any]:
        return _state(self._call("PUT", _path(resource_type, resource_id), body))

    def read(self, resource_type: str, resource_id: str) -> dict[str, Any] | None:
        """The state, or None when there is no such thing (any more)."""
        try:
            return _state(self._call("GET", _path(resource_type, resource_id)))
        except GoogleApiError as error:
            if error.code == 404:
                return None
            raise

    def delete(self, resource_type: str, resource_id: str) -> None:
        """Deleting what is gone is a success."""
        try:
            self._call("DELETE", _path(resource_type, resource_id))
        except GoogleApiError as error:
            if error.code != 404:
                raise

    def data(self, data_type: str, body: dict[str, Any]) -> dict[str, Any]:
        """A data source's attributes, as far as the cloud has something to say."""
        answer = self._call("POST", f"terraform-data/{data_type}", body)
        return answer if isinstance(answer, dict) else {}

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        target = f"{self._prefix}{path}"
        content = b"" if body is None else json.dumps(body).encode()
        head = (
            f"{method} {target} HTTP/1.0\r\nHost: {self._address[0]}:{self._address[1]}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
        )
        try:
            status, answer = self._exchange(head.encode() + content)
        except OSError as error:
            raise GoogleApiError(503, f'{method} "{self.url}{path}": {error}', "backendError") from error
        if status >= 400:
            raise GoogleApiError.from_answer(status, answer)
        return answer

    def _exchange(self, request: bytes) -> tuple[int, Any]:
        with socket.create_connection(self._address, timeout=CONNECT_SECONDS) as connection:
            connection.settimeout(None)  # an operation takes as long as it takes
            connection.sendall(request)
            with connection.makefile("rb") as reply:
                received = reply.read()
        head, _, content = received.partition(b"\r\n\r\n")
        words = head.split(None, 2)
        if len(words) < 2 or not words[1].isdigit():
            raise ConnectionResetError("the connection was closed without an answer")
        try:
            return int(words[1]), json.loads(content) if content else None
        except ValueError:
            return int(words[1]), None


def _path(resource_type: str, resource_id: str) -> str:
    return f"terraform/{resource_type}/{quote(resource_id, safe='/:@')}"


def _state(answer: Any) -> dict[str, Any]:
    state = answer.get("state") if isinstance(answer, dict) else None
    if not isinstance(state, dict):
        raise GoogleApiError(502, "the answer has no state", "backendError")
    return state
