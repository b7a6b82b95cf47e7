"""The least of a cloud that the provider can talk to: a dict behind the `/terraform/` paths, and faults on demand."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

State = dict[str, Any]
Answer = tuple[int, Any]


class StandIn:
    """Objects by `type/id`. `faults` maps a method and a type to the error that its next call gets."""

    def __init__(self) -> None:
        self.objects: dict[str, State] = {}
        self.secrets: dict[str, State] = {}
        self.faults: dict[tuple[str, str], Answer] = {}
        self.data: dict[str, State] = {}
        self.blocked = ("", "")
        """Method and type of the calls that wait for `release` before they are answered."""
        self.entered, self.release = threading.Event(), threading.Event()
        self.url = ""

    def answer(self, method: str, path: str, body: Any) -> Answer:
        kind, _, rest = path.strip("/").partition("/")
        if kind == "terraform-data":
            return (200, self.data[rest]) if rest in self.data else (404, _error(404, f"{rest} not found", "notFound"))
        resource_type, _, _ = rest.partition("/")
        fault = self.faults.pop((method, resource_type), None)
        if fault and not fault[1]["error"].get("kept"):
            return fault
        if method in ("POST", "PUT"):
            return fault or self._store(method, resource_type, rest, body)
        if rest not in self.objects:
            return 404, _error(404, f"The resource '{rest}' was not found", "notFound")
        return 200, {"state": self.objects[rest] if method == "GET" else self.objects.pop(rest)}

    def _store(self, method: str, resource_type: str, key: str, body: Any) -> Answer:
        if method == "POST" and key in self.objects:
            return 409, _error(409, f"The resource '{key}' already exists", "alreadyExists")
        if method == "POST":
            self.objects[key] = body["state"]
        self.secrets[key] = body["write_only"]
        if (method, resource_type) == self.blocked:
            self.entered.set()
            self.release.wait()
        self.objects[key] = body["state"]
        return 200, {"state": body["state"]}


def _error(code: int, message: str, reason: str, **more: Any) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "reason": reason, **more}}


def refusal(code: int, message: str, reason: str, **more: Any) -> Answer:
    return code, _error(code, message, reason, **more)


@contextmanager
def running() -> Iterator[StandIn]:
    """A stand-in that serves on a free port of this computer."""
    cloud = StandIn()

    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            status, answer = cloud.answer(self.command, self.path, body)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        do_GET = do_POST = do_PUT = do_DELETE = handle_any  # noqa: N815  # the names that http.server calls

        def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002  # its signature
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    cloud.url = f"http://127.0.0.1:{server.server_port}/"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield cloud
    finally:
        cloud.release.set()
        server.shutdown()
