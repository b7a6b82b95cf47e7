from collections.abc import AsyncIterator
from typing import Any

import asyncssh
import httpx2
import pytest
from fastapi import FastAPI
from jsonschema import Draft202012Validator
from structlog.testing import capture_logs

from app.services.people import api_tokens, members
from tests.clients import client_of
from tests.parts import MovingClock, SecretsInMemory, identity
from tests.stage import Stage

pytestmark = pytest.mark.anyio
KEYS = "/api/v1/ssh-keys"
LINE = asyncssh.generate_private_key("ssh-ed25519", comment="x").export_public_key().decode().strip()


@pytest.fixture
async def script(app: FastAPI) -> AsyncIterator[httpx2.AsyncClient]:
    """Grace's script, with her token."""
    portal = app.state.portal
    async with portal.database.sessions.begin() as session:
        member = await members.sign_in(portal.context(session), identity("grace"))
        plain = (await api_tokens.create(portal.context(session, member), "CI")).plain
    async with client_of(app, Authorization=f"Bearer {plain}") as client:
        yield client


async def test_a_key_is_added_listed_and_deleted(script: httpx2.AsyncClient) -> None:
    added = await script.post(KEYS, json={"name": "laptop", "public_key": LINE})
    key = added.json()

    assert added.status_code == 201
    assert (key["name"], key["has_private_half"]) == ("laptop", False)
    assert key["public_key"].split()[:2] == LINE.split()[:2]
    assert (await script.get(KEYS)).json() == {"items": [key], "machines": []}
    assert (await script.delete(f"{KEYS}/{key['id']}")).status_code == 204
    assert (await script.get(KEYS)).json() == {"items": [], "machines": []}
    assert (await script.delete(f"{KEYS}/{key['id']}")).status_code == 404


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"name": "laptop", "public_key": "nonsense"}, {"public_key"}),
        ({"name": "../x", "public_key": LINE}, {"name"}),
        ({"name": "", "public_key": ""}, {"name", "public_key"}),
        ({"name": "laptop"}, {"public_key"}),
        ({"name": 7, "public_key": None}, {"name", "public_key"}),
        ({"name": "laptop", "public_key": "\u0000"}, {"public_key"}),
        ([], {"body"}),
    ],
)
async def test_what_does_not_fit_is_said_in_the_one_error_shape(
    script: httpx2.AsyncClient, body: Any, fields: set[str]
) -> None:
    refused = await script.post(KEYS, json=body)

    assert refused.status_code == 422
    assert refused.json()["error"]["code"] == "invalid"
    assert set(refused.json()["error"]["fields"]) == fields
    assert (await script.get(KEYS)).json() == {"items": [], "machines": []}


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b'{"name": "\\ud800", "public_key": "x"}'])
async def test_a_body_that_is_no_json_is_said(script: httpx2.AsyncClient, content: bytes) -> None:
    refused = await script.post(KEYS, content=content, headers={"Content-Type": "application/json"})

    assert refused.status_code in {400, 422}
    assert refused.json()["error"]["message"]


async def test_a_private_key_sent_by_mistake_comes_back_nowhere(script: httpx2.AsyncClient) -> None:
    private = asyncssh.generate_private_key("ssh-ed25519").export_private_key().decode()
    with capture_logs() as logs:
        refused = await script.post(KEYS, json={"name": "laptop", "public_key": private})

    assert refused.status_code == 422
    assert private.splitlines()[2] not in f"{refused.text}{logs}"


async def test_a_pair_is_made_and_its_private_half_read_and_audited(script: httpx2.AsyncClient) -> None:
    made = await script.post(f"{KEYS}/generate", json={"name": "ci"})
    assert made.status_code == 201
    assert made.json()["has_private_half"] is True
    with capture_logs() as logs:
        read = await script.get(f"{KEYS}/{made.json()['id']}/private")

    assert read.headers["content-type"].startswith("text/plain")
    assert read.headers["cache-control"] == "no-store"
    assert asyncssh.import_private_key(read.text).get_fingerprint() == made.json()["fingerprint"]
    audit = next(entry for entry in logs if entry["event"] == "private key read")
    assert (audit["key"], audit["by"]) == (made.json()["id"], "token")


async def test_a_pair_needs_no_body(script: httpx2.AsyncClient) -> None:
    made = await script.post(f"{KEYS}/generate")

    assert (made.status_code, made.json()["name"]) == (201, "stationmaster")


async def test_a_browser_needs_a_fresh_sign_in_to_read_a_private_half(
    grace: httpx2.AsyncClient, clock: MovingClock
) -> None:
    key = (await grace.post(f"{KEYS}/generate", json={"name": "laptop"})).json()
    assert (await grace.get(f"{KEYS}/{key['id']}/private")).status_code == 200
    clock.advance(minutes=11)
    refused = await grace.get(f"{KEYS}/{key['id']}/private")

    assert refused.status_code == 401
    assert refused.json()["error"]["code"] == "fresh_sign_in_required"


async def test_a_pasted_keys_private_half_is_not_there(script: httpx2.AsyncClient) -> None:
    key = (await script.post(KEYS, json={"name": "laptop", "public_key": LINE})).json()

    assert (await script.get(f"{KEYS}/{key['id']}/private")).status_code == 404


async def test_a_private_half_removed_by_hand_is_gone_and_its_key_can_be_deleted(
    script: httpx2.AsyncClient, secrets: SecretsInMemory
) -> None:
    key = (await script.post(f"{KEYS}/generate", json={"name": "laptop"})).json()
    secrets.kept.clear()

    assert (await script.get(f"{KEYS}/{key['id']}/private")).status_code == 410
    assert (await script.delete(f"{KEYS}/{key['id']}")).status_code == 204


async def test_keys_of_others_are_not_listed(script: httpx2.AsyncClient, linus: httpx2.AsyncClient) -> None:
    await script.post(f"{KEYS}/generate", json={"name": "laptop"})

    assert (await linus.get(KEYS)).json() == {"items": [], "machines": []}


async def test_every_answer_is_as_the_openapi_document_says(app: FastAPI, script: httpx2.AsyncClient) -> None:
    document = app.openapi()
    key = (await script.post(f"{KEYS}/generate", json={"name": "laptop"})).json()
    item = f"{KEYS}/{{key_id}}"
    calls = [
        ("get", KEYS, await script.get(KEYS)),
        ("post", KEYS, await script.post(KEYS, json={"name": "pasted", "public_key": LINE})),
        ("post", KEYS, await script.post(KEYS, json={})),
        ("get", f"{item}/private", await script.get(f"{KEYS}/nothing/private")),
        ("delete", item, await script.delete(f"{KEYS}/nothing")),
        ("delete", item, await script.delete(f"{KEYS}/{key['id']}")),
    ]

    for method, path, answer in calls:
        content = document["paths"][path][method]["responses"][str(answer.status_code)].get("content", {})
        assert set(content) == ({"application/json"} if answer.content else set())
        if answer.content:
            schema = {**content["application/json"]["schema"], "components": document["components"]}
            Draft202012Validator(schema).validate(answer.json())


async def test_the_document_promises_no_other_shape_of_errors_for_keys(app: FastAPI) -> None:
    document = app.openapi()
    for path in (path for path in document["paths"] if path.startswith(KEYS)):
        for operation in document["paths"][path].values():
            for status, response in operation["responses"].items():
                if not status.startswith("2"):
                    schema = response["content"]["application/json"]["schema"]
                    assert schema == {"$ref": "#/components/schemas/Error"}, (path, status)


async def test_the_list_says_which_keys_are_on_which_machine(
    stage: Stage, app: FastAPI, script: httpx2.AsyncClient, clock: MovingClock
) -> None:
    lost = (await script.post(KEYS, json={"name": "laptop", "public_key": LINE})).json()
    made = await script.post("/api/v1/workstations", json={"name": "dev-1", "machine_type": "e2-standard-4"})
    await stage.carry_out(made.json()["run_id"])
    clock.advance(minutes=1)
    [machine] = (await script.get(KEYS)).json()["machines"]
    assert machine == {
        "id": made.json()["id"],
        "name": "dev-1",
        "is_up_to_date": True,
        "keys": [lost["id"]],
        "leftover": [],
        "run_id": None,
    }
    await script.delete(f"{KEYS}/{lost['id']}")
    listed = await script.get(KEYS)
    [machine] = listed.json()["machines"]
    assert (machine["is_up_to_date"], machine["keys"], machine["leftover"]) == (False, [], ["laptop"])
    assert (await script.get(f"/api/v1/runs/{machine['run_id']}")).json()["kind"] == "rekey"
    schema = app.openapi()["components"]["schemas"]["Keys"]
    Draft202012Validator({**schema, "components": app.openapi()["components"]}).validate(listed.json())
