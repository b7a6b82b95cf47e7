"""Made-up requests (schemathesis): every answer is what the document says."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import hypothesis
import pytest
import schemathesis
import uvicorn
from fastapi import FastAPI
from hypothesis import HealthCheck
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

from tests.clients import script_of

pytestmark = pytest.mark.anyio


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
    "POST /api/v1/workstations": {
        "machine_type",
        "accelerator",
        "zone",
        "disk_type",
        "image",
        "spot",
        "name",
        "ends_on",
        "second_machine_type",
    },
    "POST /api/v1/ssh-keys": {"name", "public_key"},
    "POST /api/v1/ssh-keys/generate": {"name"},
    "POST /api/v1/allowed-ips": {"cidr", "label", "expires_at", "owner", "confirm"},
    "POST /api/v1/iam-admins": {"principal", "confirm_outside"},
    "PATCH /api/v1/shared-stack": {"prefix", "reason", "zone", "ssh_allowed_ips"},
    "PUT /api/v1/workstations/{workstation_id}/office-hours": {"stop", "time_zone"},
    "PUT /api/v1/workstations/{workstation_id}/end-date": {"ends_on"},
    "PUT /api/v1/workstations/{workstation_id}/idle-stop": {"minutes"},
    "PUT /api/v1/team/policy": {"idle_most", "idle_minutes"},
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
