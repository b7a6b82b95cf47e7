from collections.abc import AsyncIterator

import httpx2
import pytest
from fastapi import FastAPI

from tests.clients import script_of
from tests.stage import Stage

pytestmark = pytest.mark.anyio
PATH = "/api/v1/iam-admins"
ADA, GRACE = "user:ada@example.com", "user:grace@example.com"


@pytest.fixture
async def admin(app: FastAPI) -> AsyncIterator[httpx2.AsyncClient]:
    """Ada's script."""
    async with await script_of(app, "ada") as client:
        yield client


async def test_one_is_added_and_removed_by_runs(stage: Stage, admin: httpx2.AsyncClient) -> None:
    for principal in (ADA, "Grace@example.com"):
        added = await admin.post(PATH, json={"principal": principal})
        assert (added.status_code, added.json()["kind"], added.json()["status"]) == (202, "configure", "queued")
        await stage.carry_out(added.json()["id"])
    removed = await admin.delete(f"{PATH}/{GRACE}")

    assert removed.status_code == 202
    assert removed.json()["changes"]["iam_admins"] == [ADA]
    assert (await admin.get(PATH)).json()["items"] == [
        {
            "principal": ADA,
            "state": "applied",
            "is_wanted": True,
            "run_id": None,
            "kept_because": "You can't remove your own admin role. Ask another admin.",
        },
        {
            "principal": GRACE,
            "state": "being_removed",
            "is_wanted": False,
            "run_id": removed.json()["id"],
            "kept_because": None,
        },
    ]


async def test_what_is_refused_is_said_at_its_field_or_with_its_reason(stage: Stage, admin: httpx2.AsyncClient) -> None:
    outside = await admin.post(PATH, json={"principal": "eve@elsewhere.test"})
    typo = await admin.post(PATH, json={"principal": "user:grace@@example.com"})
    assert (outside.status_code, list(outside.json()["error"]["fields"])) == (422, ["confirm_outside"])
    assert (typo.status_code, list(typo.json()["error"]["fields"])) == (422, ["principal"])

    confirmed = await admin.post(PATH, json={"principal": "eve@elsewhere.test", "confirm_outside": True})
    await stage.carry_out(confirmed.json()["id"])
    last = await admin.delete(f"{PATH}/user:eve@elsewhere.test")
    assert (last.status_code, last.json()["error"]["code"]) == (409, "conflict")
    assert "last IAM admin" in last.json()["error"]["message"]
    assert (await admin.delete(f"{PATH}/{GRACE}")).status_code == 404
