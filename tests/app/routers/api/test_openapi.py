"""The API against its document, and requests that cannot be meant."""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from jsonschema import Draft202012Validator

from app.main import API
from app.models import Run, SshKey, Workstation
from app.services.people import api_tokens, members
from tests.app.counting import rows
from tests.clients import client_of, script_of
from tests.parts import identity

pytestmark = pytest.mark.anyio
MACHINES = "/api/v1/workstations"
RUNS = "/api/v1/runs"
KEYS = "/api/v1/ssh-keys"
AUDIT = "/api/v1/audit"
SPEC = {"name": "box", "machine_type": "e2-standard-4"}
HUGE = 2**64


@pytest.fixture
async def token(app: FastAPI) -> str:
    portal = app.state.portal
    async with portal.database.sessions.begin() as session:
        member = await members.sign_in(portal.context(session), identity("grace"))
        return (await api_tokens.create(portal.context(session, member), "CI")).plain


@pytest.fixture
async def script(app: FastAPI, token: str) -> AsyncIterator[httpx2.AsyncClient]:
    async with client_of(app, Authorization=f"Bearer {token}") as client:
        yield client


def _is_error(app: FastAPI, answer: httpx2.Response) -> bool:
    components = app.openapi()["components"]
    shape = {"$ref": "#/components/schemas/Error", "components": components}
    return Draft202012Validator(shape).is_valid(answer.json())


def _operations(app: FastAPI) -> list[tuple[str, str]]:
    return [(method.upper(), path) for path, operations in app.openapi()["paths"].items() for method in operations]


async def test_every_route_of_the_api_is_in_the_document_with_its_errors_and_its_key(app: FastAPI) -> None:
    document = app.openapi()

    routes = {route.path for module in API for route in module.router.routes if isinstance(route, APIRoute)}
    assert set(document["paths"]) == routes
    assert {MACHINES, RUNS, KEYS, AUDIT} < routes
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert operation["security"], (method, path)
            assert operation["description"], (method, path)
            assert "HTTPValidationError" not in str(operation), (method, path)


def _parts(document: object) -> Iterator[dict[str, Any]]:
    """Every object in it, at any depth."""
    if isinstance(document, dict):
        yield document
        for inner in document.values():
            yield from _parts(inner)
    elif isinstance(document, list):
        for inner in document:
            yield from _parts(inner)


async def test_all_that_the_document_refers_to_is_in_it(app: FastAPI) -> None:
    document = app.openapi()

    references = {part["$ref"] for part in _parts(document) if isinstance(part.get("$ref"), str)}
    assert {reference.rpartition("/")[0] for reference in references} == {"#/components/schemas"}
    assert {reference.rpartition("/")[2] for reference in references} <= set(document["components"]["schemas"])


async def test_no_body_may_have_more_than_the_document_says(app: FastAPI) -> None:
    document = app.openapi()
    schemas = document["components"]["schemas"]
    bodies = [
        content["schema"]
        for operations in document["paths"].values()
        for operation in operations.values()
        for content in operation.get("requestBody", {"content": {}})["content"].values()
    ]

    assert len(bodies) > 10
    for body in bodies:
        (name,) = {part["$ref"].rpartition("/")[2] for part in _parts(body) if "$ref" in part}
        assert schemas[name]["additionalProperties"] is False, name


async def test_asking_for_the_same_again_is_documented(app: FastAPI) -> None:
    answers = app.openapi()["paths"][MACHINES]["post"]["responses"]

    assert {"200", "201"} <= set(answers)


async def test_no_path_takes_a_token_that_is_not_valid(app: FastAPI) -> None:
    for bad in ("", "stm_nonsense", "stm_\t", "x" * 9000, "stm_\x01"):
        async with client_of(app) as client:
            for method, path in _operations(app):
                answer = await client.request(method, path, headers={"Authorization": f"Bearer {bad}"}, json=SPEC)

                assert answer.status_code == 401, (method, path, bad, answer.text)
                if path.startswith("/api/"):
                    assert _is_error(app, answer)


@pytest.mark.parametrize(
    "changed",
    [
        {"name": "nul\0"},
        {"name": "Ünïcödé"},
        {"name": "box\n"},
        {"name": None},
        {"name": 7},
        {"name": ["box"]},
        {"name": "b" * 100_000},
        {"name": "\ud800"},
        {"machine_type": "m9-huge\0"},
        {"machine_type": {}},
        {"zone": "мост-1"},
        {"zone": 1},
        {"disk_size_gb": True},
        {"disk_size_gb": 100.5},
        {"disk_size_gb": "100"},
        {"disk_size_gb": float("inf")},
        {"disk_size_gb": float("nan")},
        {"disk_size_gb": -1},
        {"disk_size_gb": 0},
        {"disk_size_gb": HUGE},
        {"disk_type": "pd\0"},
        {"accelerator": "x\0"},
        {"image": "evil\0/image"},
        {"snapshot": "\0"},
        {"snapshot": "x'; drop table run; --"},
        {"spot": "perhaps"},
        {"spot": 2},
        {"disk_size": 100},
        {"\ud800": 1},
        {"owner_id": "abc"},
    ],
)
async def test_an_invalid_workstation_is_refused_in_the_one_shape(
    app: FastAPI, script: httpx2.AsyncClient, changed: dict[str, Any]
) -> None:
    body = json.dumps({**SPEC, **changed})
    refused = await script.post(MACHINES, content=body, headers={"Content-Type": "application/json"})

    assert refused.status_code == 422, refused.text
    assert _is_error(app, refused)
    assert len(refused.json()["error"]["fields"]) == 1
    assert await rows(app.state.portal.database, Workstation, Run, SshKey) == [0, 0, 0]


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", "application/json"),
        (b"{", "application/json"),
        (b"[]", "application/json"),
        (b"null", "application/json"),
        (b"\xff\xfe", "application/json"),
        (b"[" * 100_000, "application/json"),
        (b'{"name": "box", "machine_type": "e2-standard-4", "disk_size_gb": 1e309}', "application/json"),
        (b'{"name": "box", "machine_type": "e2-standard-4", "disk_size_gb": ' + b"9" * 5000 + b"}", "application/json"),
        (b'{"name": "box", "machine_type": "e2-standard-4"}', "text/plain"),
        (b"name=box&machine_type=e2-standard-4", "application/x-www-form-urlencoded"),
        (b"<spec/>", "application/xml"),
        (b'{"name": "' + b"x" * 20_000_000 + b'", "machine_type": "e2-standard-4"}', "application/json"),
    ],
    ids=range(12),
)
async def test_a_body_that_is_no_spec_is_refused_in_the_one_shape(
    app: FastAPI, script: httpx2.AsyncClient, body: bytes, content_type: str
) -> None:
    for path in (MACHINES, KEYS):
        refused = await script.post(path, content=body, headers={"Content-Type": content_type})

        assert 400 <= refused.status_code < 500, refused.text
        assert _is_error(app, refused)
    assert await rows(app.state.portal.database, Workstation, Run, SshKey) == [0, 0, 0]


@pytest.mark.parametrize("path", [MACHINES, RUNS])
@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=201",
        "limit=x",
        "limit=1.5",
        "offset=-1",
        f"offset={HUGE}",
        "offset=" + "9" * 5000,
        "limit=%00",
    ],
)
async def test_a_page_of_a_list_that_cannot_be_is_refused(
    app: FastAPI, script: httpx2.AsyncClient, path: str, query: str
) -> None:
    refused = await script.get(f"{path}?{query}")

    assert refused.status_code == 422, refused.text
    assert _is_error(app, refused)


@pytest.mark.parametrize(
    ("query", "status"),
    [("status=flying", 422), ("status=%00", 422), ("name=%00", 200), ("name=%ff", 200), ("name=" + "x" * 9000, 200)],
)
async def test_filters_of_machines_find_none_or_are_refused(
    script: httpx2.AsyncClient, query: str, status: int
) -> None:
    assert (await script.get(f"{MACHINES}?{query}")).status_code == status


@pytest.mark.parametrize("value", ["%00", "%ff", "x" * 9000, "", "../x"])
async def test_runs_of_a_machine_that_cannot_be_are_none(script: httpx2.AsyncClient, value: str) -> None:
    answer = await script.get(f"{RUNS}?workstation_id={value}")

    assert (answer.status_code, answer.json()) == (200, [])


async def test_a_log_is_asked_for_after_a_line_that_can_be(app: FastAPI, script: httpx2.AsyncClient) -> None:
    run_id = (await script.post(MACHINES, json=SPEC)).json()["run_id"]
    for after in ("-1", str(HUGE), "9" * 5000, "x", "%00"):
        refused = await script.get(f"{RUNS}/{run_id}/log?after={after}")

        assert refused.status_code == 422, (after, refused.text)
        assert _is_error(app, refused)
    assert (await script.get(f"{RUNS}/{run_id}/log?after={2**31 - 1}")).status_code == 200


async def test_what_cannot_be_an_id_is_not_there(app: FastAPI) -> None:
    async with await script_of(app, "ada") as script:
        for method, path in _operations(app):
            for bad in ("%00", "x" * 3000, "%ff", "%D1%8F", "a%20b", "'", "0") if "{" in path else ():
                named = path.replace(path[path.index("{") : path.index("}") + 1], bad)
                answer = await script.request(method, named, json={"role": "admin"} if method == "PATCH" else None)

                assert answer.status_code == 404, (method, path, bad, answer.text)
                assert _is_error(app, answer)


async def test_the_same_spec_joins_and_another_of_that_name_is_refused(
    app: FastAPI, script: httpx2.AsyncClient
) -> None:
    first = await script.post(MACHINES, json=SPEC)
    again = await script.post(MACHINES, json=SPEC)
    other = await script.post(MACHINES, json={**SPEC, "disk_size_gb": 200})

    assert (first.status_code, again.status_code, other.status_code) == (201, 200, 409)
    assert again.json()["run_id"] == first.json()["run_id"]
    assert _is_error(app, other)
    assert "You already have a workstation named box." in other.json()["error"]["fields"]["name"]
    assert await rows(app.state.portal.database, Workstation, Run) == [1, 1]


async def test_destroying_twice_is_one_run(app: FastAPI, script: httpx2.AsyncClient) -> None:
    machine = (await script.post(MACHINES, json=SPEC)).json()
    first = await script.delete(f"{MACHINES}/{machine['id']}")
    again = await script.delete(f"{MACHINES}/{machine['id']}")
    vague = await script.delete(f"{MACHINES}/{machine['id']}?keep_disk=perhaps")

    assert (first.status_code, again.status_code, vague.status_code) == (202, 202, 422)
    assert first.json() == again.json()
    assert _is_error(app, vague)


async def test_other_methods_are_refused_in_the_one_shape(app: FastAPI, script: httpx2.AsyncClient) -> None:
    for method in ("PUT", "PATCH"):
        for path in {path for _, path in _operations(app)} - {
            path for known, path in _operations(app) if known == method
        }:
            answer = await script.request(method, path)

            assert answer.status_code == 405, path
            allowed = {known for known, of in _operations(app) if of == path}
            assert set(answer.headers["allow"].split(", ")) == allowed, path
            assert not path.startswith("/api/") or _is_error(app, answer)
    assert (await script.get("/api/v1/nothing")).status_code == 404
