import httpx2
import pytest
from fastapi import FastAPI

from tests.clients import script_of

pytestmark = pytest.mark.anyio
PATH = "/api/v1/members"


async def test_a_role_is_given_from_the_next_request_on(app: FastAPI, script: httpx2.AsyncClient) -> None:
    await script.post("/api/v1/workstations", json={"name": "dev-1", "machine_type": "e2-standard-4"})
    async with await script_of(app, "ada") as admin:
        ada, grace = (await admin.get(PATH)).json()["items"]
        assert (ada["role"], grace["role"], grace["workstations"]) == ("admin", "member", 1)
        first = (await admin.get(f"{PATH}?limit=1")).json()
        assert (first["items"], first["after"]) == ([ada], ada["id"])
        assert (await admin.get(f"{PATH}?limit=1&after={ada['id']}")).json() == {"items": [grace], "after": None}
        assert (await admin.get(f"{PATH}?q=grace@")).json()["items"] == [grace]

        changed = await admin.patch(f"{PATH}/{grace['id']}", json={"role": "admin"})
        assert (changed.status_code, changed.json()["role"]) == (200, "admin")
        # The token that she made as a member is no better by that.
        assert (await script.get(PATH)).json()["error"]["code"] == "scope_required"
        async with await script_of(app, "grace") as another:
            assert (await another.get(PATH)).status_code == 200

        own = await admin.patch(f"{PATH}/{ada['id']}", json={"role": "member"})
        assert (own.status_code, "your own admin role" in own.json()["error"]["message"]) == (409, True)


async def test_a_member_is_disabled_and_enabled(app: FastAPI, script: httpx2.AsyncClient) -> None:
    async with await script_of(app, "ada") as admin:
        ada, grace = (await admin.get(PATH)).json()["items"]
        assert (grace["access"], grace["disabled_at"]) == ("active", None)
        disabled = await admin.post(f"{PATH}/{grace['id']}/disable")
        assert (disabled.status_code, disabled.json()["disabled_at"]) == (200, "2026-03-02T09:30:00Z")
        assert (await admin.get(f"{PATH}?q=grace")).json()["items"][0]["access"] == "disabled"
        refused = await script.get("/api/v1/workstations")
        assert (refused.status_code, refused.json()["error"]["code"]) == (401, "sign_in_required")
        assert "can no longer sign in" in refused.json()["error"]["message"]

        assert (await admin.post(f"{PATH}/{grace['id']}/enable")).json()["disabled_at"] is None
        assert (await script.get("/api/v1/workstations")).status_code == 200
        assert (await admin.post(f"{PATH}/{ada['id']}/disable")).status_code == 409


async def test_a_role_that_cannot_be_is_refused(app: FastAPI) -> None:
    async with await script_of(app, "ada") as admin:
        ada = (await admin.get(PATH)).json()["items"][0]
        refused = await admin.patch(f"{PATH}/{ada['id']}", json={"role": "king"})
        assert (refused.status_code, list(refused.json()["error"]["fields"])) == (422, ["role"])
        assert (await admin.patch(f"{PATH}/nobody", json={"role": "admin"})).status_code == 404


async def test_limits_are_read_and_changed(app: FastAPI, script: httpx2.AsyncClient) -> None:
    machine = {"name": "dev-1", "machine_type": "g2-standard-8"}
    assert (await script.post("/api/v1/workstations", json=machine)).status_code == 201
    async with await script_of(app, "ada") as admin:
        assert (await admin.get("/api/v1/team")).json() == {"workstations": 5, "gpu_workstations": 2}
        assert (await script.get("/api/v1/team")).status_code == 403
        team = await admin.patch("/api/v1/team", json={"workstation_limit": 4})
        assert team.json() == {"workstations": 4, "gpu_workstations": 2}
        grace = (await admin.get(PATH)).json()["items"][1]
        changed = (await admin.patch(f"{PATH}/{grace['id']}", json={"gpu_workstation_limit": 1})).json()
        assert (changed["workstation_limit"], changed["gpu_workstation_limit"]) == (None, 1)
        grace = (await admin.get(PATH)).json()["items"][1]
        assert (grace["workstations"], grace["gpu_workstations"]) == (1, 1)
        assert grace["limits"] == {"workstations": 4, "gpu_workstations": 1}
        assert (await admin.patch(f"{PATH}/{grace['id']}", json={"workstation_limit": -1})).status_code == 422

    refused = await script.post("/api/v1/workstations", json={**machine, "name": "dev-2"})
    error = refused.json()["error"]
    assert (refused.status_code, error["code"]) == (409, "limit_reached")
    assert error["message"] == "You have 1 of 1 workstations with a GPU."
    assert error["fields"] == {"machine_type": error["message"]}
