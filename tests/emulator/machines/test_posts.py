"""A machine's agent posts what it measures, with the machine's identity token; where that fails, it publishes it."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx2
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from app.models.activity import Activity
from tests.emulator.machines.ssh import Key, make_key
from tests.emulator.world import World, machine, until
from tests.terraform.machine import startup_script

PATIENCE_S = 200.0
ACCOUNT = [{"email": "workstations@pocket-project.iam.gserviceaccount.com"}]


class Portal:
    """Whoever is posted to."""

    def __init__(self) -> None:
        self.url, self.status = "", 204
        self.posts: list[tuple[str, str, Any]] = []

    @contextmanager
    def listening(self) -> Iterator["Portal"]:
        portal = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                portal.posts.append((self.path, self.headers["authorization"], json.loads(body)))
                self.send_response(portal.status)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
                """Say nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield self
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def portal() -> Iterator[Portal]:
    with Portal().listening() as portal:
        yield portal


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Key:
    return make_key(tmp_path_factory.mktemp("laptop") / "id_ed25519")


def boot(world: World, name: str, key: Key, portal: Portal, **state: Any) -> str:
    metadata = {
        **machine()["metadata"],
        "ssh-keys": f"grace:{key.public}",
        "stationmaster-stack": name,
        "stationmaster-portal": portal.url,
        "startup-script": startup_script(),
    }
    instance = world.workstation(name, key.public, world.disk(f"{name}-home", size=20), metadata=metadata, **state)
    world.boot_report(instance)
    return instance


def measure(world: World, name: str) -> None:
    world.emulator.call("POST", "/_emulator/faults", {"preset": "rest", "id": f"/{name}$"})


def published(world: World, instance: str) -> Activity | None:
    return Activity.parse(world.boot_report(instance).get("activity", ""))


def test_a_record_is_posted_with_the_machines_own_token(world: World, key: Key, portal: Portal) -> None:
    instance = boot(world, "posts", key, portal, service_account=ACCOUNT)
    measure(world, "posts")
    path, authorization, body = until(lambda: portal.posts, PATIENCE_S)[0]
    assert path == "/api/v1/machine/activity"
    assert Activity.parse(json.dumps(body["record"]))
    keys = KeySet.import_key_set(httpx2.get(f"{world.emulator.url}/oauth2/v3/certs").json())
    claims = jwt.decode(authorization.removeprefix("Bearer "), keys, algorithms=["RS256"]).claims
    assert claims["aud"] == portal.url
    assert claims["google"]["compute_engine"]["instance_id"] == world.rest(instance)["id"]
    assert published(world, instance) is None


@pytest.mark.parametrize(("name", "account", "posts"), [("refused", ACCOUNT, True), ("unnamed", [], False)])
def test_what_the_portal_does_not_take_is_published(
    world: World, key: Key, portal: Portal, name: str, account: list[dict[str, str]], posts: bool
) -> None:
    portal.status = 503
    instance = boot(world, name, key, portal, service_account=account)
    measure(world, name)
    assert until(lambda: published(world, instance), PATIENCE_S)
    assert bool(portal.posts) is posts


def test_a_portal_that_is_away_is_no_obstacle(world: World, key: Key, tmp_path: Path) -> None:
    away = Portal()
    away.url = "http://127.0.0.1:9"
    instance = boot(world, "alone", key, away, service_account=ACCOUNT)
    measure(world, "alone")
    assert until(lambda: published(world, instance), PATIENCE_S)
