"""A tracker gets what was raised where, and nothing that is secret."""

import gzip
import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pytest
from cryptography.fernet import Fernet

from app import error_tracking
from app.errors import ConfigurationError
from tests.database import fresh_database
from tests.parts import make_settings
from tests.web_process import web_process

CANARY = "a-canary-of-somebody"
ARRIVES_S = 60.0


@dataclass
class Tracker:
    """A receiver of Sentry's protocol."""

    dsn: str = ""
    bodies: queue.Queue[bytes] = field(default_factory=queue.Queue)

    def event(self) -> tuple[str, dict[str, Any]]:
        """What arrives next: as it was sent, and the event in it."""
        sent = self.bodies.get(timeout=ARRIVES_S).decode()
        return sent, json.loads(sent.splitlines()[2])


@contextmanager
def _tracker() -> Iterator[Tracker]:
    tracker = Tracker()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            tracker.bodies.put(gzip.decompress(body) if self.headers["Content-Encoding"] == "gzip" else body)
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    tracker.dsn = f"http://public@127.0.0.1:{server.server_port}/1"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield tracker
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def tracker() -> Iterator[Tracker]:
    with _tracker() as tracker:
        yield tracker


def _check_no_data(event: dict[str, Any]) -> None:
    assert "request" not in event
    assert "user" not in event
    assert not event.get("breadcrumbs", {}).get("values")
    frames = [frame for value in event["exception"]["values"] for frame in value["stacktrace"]["frames"]]
    assert frames
    assert not any("vars" in frame for frame in frames)


def test_an_unexpected_error_of_web_arrives_without_data(tmp_path: Path, tracker: Tracker) -> None:
    with (
        fresh_database() as url,
        web_process(tmp_path, url, sentry_dsn=tracker.dsn, oidc_client_secret=CANARY) as web,
        psycopg.connect(url, autocommit=True) as connection,
    ):
        connection.execute("ALTER TABLE api_tokens RENAME TO elsewhere")
        answer = httpx2.post(
            f"{web.url}/api/v1/workstations?q={CANARY}",
            headers={
                "Authorization": f"Bearer stm_{CANARY}",
                "Cookie": f"stationmaster={CANARY}",
                "Origin": web.url,
                "X-Request-Id": "from-afar",
            },
            json={"name": CANARY},
        )
        sent, event = tracker.event()

    assert answer.status_code == 500
    assert event["exception"]["values"][-1]["type"] == "ProgrammingError"
    assert event["tags"] == {
        "process": "web",
        "request": "from-afar",
        "method": "POST",
        "path": "/api/v1/workstations",
    }
    _check_no_data(event)
    assert CANARY not in sent
    assert tracker.bodies.empty()


def test_what_ends_a_worker_arrives_without_data(tmp_path: Path, tracker: Tracker) -> None:
    key = Fernet.generate_key().decode()
    with fresh_database() as url, psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ALTER TABLE provider_locks RENAME TO elsewhere")
        own = {
            "DATA_DIR": str(tmp_path),
            "DATABASE_URL": url,
            "ENCRYPTION_KEYS": key,
            "ALLOWED_DOMAINS": "example.com",
            "GOOGLE_PROJECT": "test-project",
            "COMPUTE_ENDPOINT": "http://127.0.0.1:9",
            "SECRET_MANAGER_ENDPOINT": "http://127.0.0.1:9",
            "SENTRY_DSN": tracker.dsn,
        }
        ended = subprocess.run(
            [sys.executable, "-m", "app", "worker"],
            env={**os.environ, **{f"STATIONMASTER_{name}": value for name, value in own.items()}},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        sent, event = tracker.event()

    assert ended.returncode == 1, ended.stderr
    assert event["exception"]["values"][-1]["type"] == "ProgrammingError"
    assert event["tags"] == {"process": "worker"}
    _check_no_data(event)
    assert key not in sent


def test_a_setting_that_is_no_dsn_stops_the_start() -> None:
    with pytest.raises(ConfigurationError, match="STATIONMASTER_SENTRY_DSN is invalid"):
        error_tracking.start(make_settings(sentry_dsn="https://tracker.test"), "web")
