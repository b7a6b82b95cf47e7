"""Listing and changing machines by the API."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from app.models import Scope, Workstation
from tests.app.counting import loaded
from tests.clients import script_of
from tests.stage import Stage

pytestmark = pytest.mark.anyio
MACHINES = "/api/v1/workstations"


@pytest.fixture
async def machine(script: httpx2.AsyncClient) -> dict[str, Any]:
    answer: dict[str, Any] = (await script.post(MACHINES, json={"name": "box", "machine_type": "e2-standard-4"})).json()
    return answer


async def test_a_change_is_a_run_of_its_own_and_the_machine_stays_what_it_is_until_then(
    script: httpx2.AsyncClient, machine: dict[str, Any]
) -> None:
    here = f"{MACHINES}/{machine['id']}"
    answer = await script.patch(here, json={"disk_size_gb": 200, "spot": True})

    assert answer.status_code == 202
    assert answer.json()["run_id"] != machine["run_id"]
    assert (await script.get(here)).json()["disk_size_gb"] == 100
    assert (await script.get(f"/api/v1/runs/{answer.json()['run_id']}")).json()["kind"] == "update"
    assert (await script.patch(here, json={})).json() == answer.json()


async def test_a_machine_that_has_not_booted_has_said_nothing(
    script: httpx2.AsyncClient, machine: dict[str, Any]
) -> None:
    answer = (await script.get(f"{MACHINES}/{machine['id']}")).json()
    assert answer["machine"] == {"stage": None, "stage_at": None, "mount": None, "driver": None, "memory": None}
    assert answer["reported_at"] is None


@pytest.mark.parametrize(
    "changed",
    [{"name": "other"}, {"zone": "mars-north1-a"}, {"disk_size_gb": "200"}, {"disk_size_gb": 0}, {"spot": 1}],
)
async def test_what_cannot_be_changed_is_refused_in_the_one_shape(
    script: httpx2.AsyncClient, machine: dict[str, Any], changed: dict[str, Any]
) -> None:
    refused = await script.patch(f"{MACHINES}/{machine['id']}", json=changed)

    assert refused.status_code == 422
    assert list(refused.json()["error"]["fields"]) == list(changed)


async def test_a_machine_on_its_way_out_is_not_changed(script: httpx2.AsyncClient, machine: dict[str, Any]) -> None:
    await script.delete(f"{MACHINES}/{machine['id']}")
    refused = await script.patch(f"{MACHINES}/{machine['id']}", json={"spot": True})

    assert refused.status_code == 409
    assert refused.json()["error"]["hint"]


@pytest.mark.parametrize(
    ("spec", "fields"),
    [
        ({"machine_type": "g4-standard-48", "disk_type": "pd-balanced"}, ["disk_type"]),
        ({"machine_type": "a2-ultragpu-1g", "zone": "us-central1-b"}, ["zone"]),
        ({"machine_type": "a3-highgpu-1g", "zone": "europe-west4-b"}, ["spot"]),
        ({"machine_type": "e2-standard-4", "accelerator": "nvidia-tesla-t4"}, ["accelerator"]),
        (
            {
                "machine_type": "g2-standard-8",
                "disk_type": "pd-standard",
                "image": "ubuntu-os-cloud/ubuntu-2404-lts-amd64",
            },
            ["disk_type", "image"],
        ),
    ],
)
async def test_what_does_not_go_together_is_said_of_its_fields(
    script: httpx2.AsyncClient, spec: dict[str, object], fields: list[str]
) -> None:
    refused = await script.post(MACHINES, json={"name": "dev-1", **spec})

    assert refused.status_code == 422
    assert sorted(refused.json()["error"]["fields"]) == fields


async def test_the_disk_type_follows_the_machine_type(script: httpx2.AsyncClient) -> None:
    made = await script.post(
        MACHINES, json={"name": "dev-1", "machine_type": "g4-standard-48", "zone": "europe-west4-b"}
    )

    assert made.status_code == 201
    assert (made.json()["disk_type"], made.json()["price_per_hour_usd"]) == ("hyperdisk-balanced", None)


async def test_a_page_is_read_and_not_the_whole_list(script: httpx2.AsyncClient) -> None:
    for number in range(5):
        await script.post(MACHINES, json={"name": f"dev-{number}", "machine_type": "e2-standard-4"})
    with loaded(Workstation) as seen:
        page = (await script.get(MACHINES, params={"limit": 2, "offset": 1})).json()
    # One more is read, to know whether others follow.
    assert (len(page["items"]), page["total"], len(seen)) == (2, 5, 3)
    named = (await script.get(MACHINES, params={"name": "dev-3", "status": "requested"})).json()
    assert ([each["name"] for each in named["items"]], named["total"]) == (["dev-3"], 1)
    assert (await script.get(MACHINES, params={"status": "running"})).json() == {
        "items": [],
        "total": 0,
        "after": None,
    }


async def test_admins_list_what_others_have_page_by_page(app: FastAPI, stage: Stage) -> None:
    for who, name in (("grace", "a"), ("linus", "b"), ("grace", "c"), ("ada", "d")):
        await stage.make(f"dev-{name}", who=who)
    async with await script_of(app, "ada") as ada:
        mine = (await ada.get(MACHINES)).json()
        assert [(each["name"], each["owner"]) for each in mine["items"]] == [("dev-d", "ada@example.com")]
        graces = (await ada.get(MACHINES, params={"owner": "grace@example.com"})).json()
        assert [each["name"] for each in graces["items"]] == ["dev-c", "dev-a"]
        found, after = [], ""
        while after is not None:
            asked: dict[str, str | int] = {
                "owner": "all",
                "sort": "name",
                "limit": 1,
                "after": after,
                "q": "owner:example dev",
            }
            page = (await ada.get(MACHINES, params=asked)).json()
            assert page["total"] == 4
            found += [each["name"] for each in page["items"]]
            after = page["after"]
        assert found == ["dev-a", "dev-b", "dev-c", "dev-d"]
        assert (await ada.get(MACHINES, params={"owner": "nobody@example.com"})).status_code == 404
        refused = await ada.get(MACHINES, params={"owner": "all", "q": "color:red"})
        assert (refused.status_code, "q" in refused.json()["error"]["fields"]) == (422, True)


async def test_members_and_narrower_tokens_list_only_their_own(app: FastAPI, stage: Stage) -> None:
    await stage.make("dev-1")
    async with await script_of(app, "grace") as grace, await script_of(app, "ada", Scope.MACHINES) as ada:
        own = (await grace.get(MACHINES, params={"owner": "grace@example.com"})).json()
        assert [each["name"] for each in own["items"]] == ["dev-1"]
        for owner in ("all", "linus@example.com"):
            assert (await grace.get(MACHINES, params={"owner": owner})).status_code == 403
        assert (await ada.get(MACHINES, params={"owner": "grace@example.com"})).status_code == 403


async def test_the_usage_of_the_month_is_in_the_list(app: FastAPI, stage: Stage) -> None:
    machine = await stage.make("dev-1")
    async with stage.database.sessions.begin() as session:
        row = await session.get_one(Workstation, machine.id)
        row.running_since, row.used_at = stage.clock() - timedelta(hours=5), stage.clock()
    async with await script_of(app, "grace") as grace:
        [listed] = (await grace.get(MACHINES)).json()["items"]
    assert (listed["hours_this_month"], listed["used_at"]) == (5.0, stage.clock().isoformat().replace("+00:00", "Z"))
    assert float(listed["cost_this_month_usd"]) > 0


async def test_a_failed_machine_costs_what_exists_of_it(
    stage: Stage, script: httpx2.AsyncClient, machine: dict[str, Any]
) -> None:
    assert machine["price_per_hour_usd"] > "0.1"
    await stage.fail(machine["run_id"])

    [listed] = (await script.get(MACHINES)).json()["items"]
    read = (await script.get(f"{MACHINES}/{machine['id']}")).json()
    assert [Decimal(each["price_per_hour_usd"]) for each in (listed, read)] == [0, 0]
