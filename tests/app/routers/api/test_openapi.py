import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any

import httpx2
import hypothesis
import pytest
import schemathesis
import uvicorn
from fastapi import FastAPI
from fastapi.routing import APIRoute
from hypothesis import HealthCheck
from jsonschema import Draft202012Validator
from schemathesis import CheckContext, GenerationMode, Response
from schemathesis.checks import load_all_checks, not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    content_type_conformance,
    ensure_resource_availability,
    ignored_auth,
    missing_required_header,
    negative_data_rejection,
    object_level_authorization,
    positive_data_acceptance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
    use_after_free,
)
from sqlalchemy import func, select

from app.main import API
from app.models import Run, SshKey, Workstation
from app.services.people import api_tokens, members
from tests.clients import client_of, script_of
from tests.parts import identity

pytestmark = pytest.mark.anyio
MACHINES = "/api/v1/workstations"
RUNS = "/api/v1/runs"
KEYS = "/api/v1/ssh-keys"
AUDIT = "/api/v1/audit"
WISH = {"name": "box", "machine_type": "e2-standard-4"}
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


async def _rows(app: FastAPI) -> list[int]:
    async with app.state.portal.database.sessions() as session:
        counts = [await session.scalar(select(func.count()).select_from(model)) for model in (Workstation, Run, SshKey)]
    return [count or 0 for count in counts]


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
                answer = await client.request(method, path, headers={"Authorization": f"Bearer {bad}"}, json=WISH)

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
async def test_a_wish_that_does_not_fit_is_refused_in_the_one_shape(
    app: FastAPI, script: httpx2.AsyncClient, changed: dict[str, Any]
) -> None:
    body = json.dumps({**WISH, **changed})
    refused = await script.post(MACHINES, content=body, headers={"Content-Type": "application/json"})

    assert refused.status_code == 422, refused.text
    assert _is_error(app, refused)
    assert len(refused.json()["error"]["fields"]) == 1
    assert await _rows(app) == [0, 0, 0]


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
        (b"<wish/>", "application/xml"),
        (b'{"name": "' + b"x" * 20_000_000 + b'", "machine_type": "e2-standard-4"}', "application/json"),
    ],
    ids=range(12),
)
async def test_a_body_that_is_no_wish_is_refused_in_the_one_shape(
    app: FastAPI, script: httpx2.AsyncClient, body: bytes, content_type: str
) -> None:
    for path in (MACHINES, KEYS):
        refused = await script.post(path, content=body, headers={"Content-Type": content_type})

        assert 400 <= refused.status_code < 500, refused.text
        assert _is_error(app, refused)
    assert await _rows(app) == [0, 0, 0]


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
    run_id = (await script.post(MACHINES, json=WISH)).json()["run_id"]
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


async def test_the_same_wish_joins_and_another_of_that_name_is_refused(
    app: FastAPI, script: httpx2.AsyncClient
) -> None:
    first = await script.post(MACHINES, json=WISH)
    again = await script.post(MACHINES, json=WISH)
    other = await script.post(MACHINES, json={**WISH, "disk_size_gb": 200})

    assert (first.status_code, again.status_code, other.status_code) == (201, 200, 409)
    assert again.json()["run_id"] == first.json()["run_id"]
    assert _is_error(app, other)
    assert "You already have a workstation named box." in other.json()["error"]["fields"]["name"]
    assert (await _rows(app))[:2] == [1, 1]


async def test_destroying_twice_is_one_run(app: FastAPI, script: httpx2.AsyncClient) -> None:
    machine = (await script.post(MACHINES, json=WISH)).json()
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


@pytest.fixture
async def address(app: FastAPI) -> AsyncIterator[str]:
    """The portal on a port of its own: made-up requests are sent from a thread, which has no event loop."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    address = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    settings = app.state.portal.settings.model_copy(update={"public_url": address})
    app.state.portal = replace(app.state.portal, settings=settings)
    yield address
    server.should_exit = True
    await serving


SEMANTIC = {
    "POST /api/v1/workstations": {"machine_type", "accelerator", "zone", "disk_type", "image", "spot", "name"},
    "POST /api/v1/ssh-keys": {"name", "public_key"},
    "POST /api/v1/ssh-keys/generate": {"name"},
    "POST /api/v1/allowed-ips": {"cidr", "label", "expires_at", "owner", "confirm"},
    "POST /api/v1/iam-admins": {"principal", "confirm_outside"},
    "PATCH /api/v1/shared-stack": {"prefix", "reason", "zone", "ssh_allowed_ips"},
    "GET /api/v1/audit": {"to"},
}
"""Fields that are refused for what no schema says: the catalog, the clock, whom there is, what a key's bytes are."""


@schemathesis.check
def valid_data_is_accepted(ctx: CheckContext, response: Response, case: schemathesis.Case[Any]) -> bool | None:
    """As schemathesis has it, but for those fields."""
    if response.status_code == 422:
        refused = set(response.json()["error"].get("fields", {}))
        if refused and refused <= SEMANTIC.get(case.operation.label, set()):
            return None
    return positive_data_acceptance(ctx, response, case)


@schemathesis.check
def invalid_data_is_refused(ctx: CheckContext, response: Response, case: schemathesis.Case[Any]) -> bool | None:
    """As schemathesis has it, but for names in a query that are there several times: the last one counts."""
    if any(isinstance(value, list | dict) for value in (case.query or {}).values()):
        return None
    return negative_data_rejection(ctx, response, case)


CHECKS = [
    *(allow_header_conformance, content_type_conformance, ensure_resource_availability, ignored_auth),
    *(missing_required_header, invalid_data_is_refused, not_a_server_error, object_level_authorization),
    *(response_headers_conformance, response_schema_conformance, status_code_conformance, unsupported_method),
    *(use_after_free, valid_data_is_accepted),
]


def test_no_check_of_schemathesis_is_left_out() -> None:
    load_all_checks()
    known = {check.__name__ for check in schemathesis.checks.CHECKS.get_all()}

    refined = {"positive_data_acceptance", "negative_data_rejection"}
    assert known - refined - {"max_response_time"} == {check.__name__ for check in CHECKS}


def _send_made_up_requests(operation: schemathesis.APIOperation[Any, Any, Any, Any], address: str, token: str) -> None:
    @hypothesis.settings(max_examples=8, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @hypothesis.given(case=operation.as_strategy() | operation.as_strategy(GenerationMode.NEGATIVE))
    def holds(case: schemathesis.Case[Any]) -> None:
        answer = case.call(base_url=address, headers={"Authorization": f"Bearer {token}"})
        case.validate_response(answer, checks=CHECKS)

    holds()


@pytest.mark.parametrize(("name", "paths"), [("grace", "^/"), ("ada", "^/api/v1/(shared|iam|members|audit|allowed)")])
async def test_answers_to_made_up_requests_are_what_the_document_says(
    app: FastAPI, address: str, name: str, paths: str
) -> None:
    async with await script_of(app, name) as script:
        token = script.headers["authorization"].partition(" ")[2]
    document = schemathesis.openapi.from_dict(app.openapi()).include(path_regex=paths)
    for result in document.get_all_operations():
        assert isinstance(result, Ok)
        await asyncio.to_thread(_send_made_up_requests, result.ok(), address, token)
