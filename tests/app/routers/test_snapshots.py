"""Snapshots on the workstation's page: taken, listed with their prices, deleted after a question."""

import httpx2
import pytest
from sqlalchemy import select

from app.models import Run, RunKind, Snapshot, Workstation, WorkstationStatus
from tests.clients import create, refusal, run_from, run_of
from tests.stage import Stage
from tests.steps import audit_entries

pytestmark = pytest.mark.anyio


async def test_a_snapshot_is_requested_once_and_listed(grace: httpx2.AsyncClient, stage: Stage) -> None:
    machine = await stage.make()
    page = await grace.get(f"/workstations/{machine.id}")
    assert "None yet. A snapshot keeps the files in /home/jupyter" in page.text

    run_id = await run_from(grace, machine.id, "snapshots")
    await grace.post(f"/workstations/{machine.id}/snapshots")
    async with stage.database.sessions() as session:
        assert list(await session.scalars(select(Run.id).where(Run.kind == RunKind.SNAPSHOT))) == [run_id]
    await stage.snapshot(machine.id, storage_bytes=10 << 30)

    page = await grace.get(f"/workstations/{machine.id}")
    assert "By hand · 10.0 GB stored" in page.text
    assert 'aria-label="Delete the snapshot of 20' in page.text
    # 10 GB at $0.053.
    assert "$0.53</span> per month" in page.text


async def test_what_google_has_not_measured_yet_has_no_price(grace: httpx2.AsyncClient, stage: Stage) -> None:
    machine = await stage.make()
    await stage.snapshot(machine.id, storage_bytes=None)
    page = await grace.get(f"/workstations/{machine.id}")
    assert "Being measured" in page.text
    assert "Price unknown" in page.text


async def test_a_snapshot_is_deleted_after_a_question(grace: httpx2.AsyncClient, stage: Stage) -> None:
    machine = await stage.make()
    snapshot = await stage.snapshot(machine.id)
    path = f"/workstations/{machine.id}/snapshots/{snapshot.id}/delete"
    assert snapshot.name in (await grace.get(path)).text

    for _ in range(2):
        answer = await grace.post(path)
        assert answer.headers["location"] == f"/workstations/{machine.id}?done=snapshot_deleted"
    page = await grace.get(answer.headers["location"])
    assert "Snapshot is being deleted." in page.text
    assert (await stage.row(Snapshot, snapshot.id)).delete_requested_at == stage.clock()
    assert f"{snapshot.id}/delete" not in page.text


async def test_another_workstations_snapshot_is_not_found(grace: httpx2.AsyncClient, stage: Stage) -> None:
    one, other = await stage.make(), await stage.make("dev-2")
    snapshot = await stage.snapshot(other.id)
    for method, path in (
        ("GET", f"/workstations/{one.id}/snapshots/{snapshot.id}/delete"),
        ("POST", f"/workstations/{one.id}/snapshots/{snapshot.id}/delete"),
        ("DELETE", f"/api/v1/workstations/{one.id}/snapshots/{snapshot.id}"),
    ):
        assert (await grace.request(method, path)).status_code == 404


async def test_a_machine_that_is_being_made_has_nothing_to_keep(grace: httpx2.AsyncClient, stage: Stage) -> None:
    workstation_id = await create(grace)
    path = f"/workstations/{workstation_id}"
    page = await refusal(grace, f"{path}/snapshots")
    assert "Another run of dev-1 is queued." in page.text
    await stage.fail(await run_of(grace, workstation_id))
    assert "Take snapshot" in (await grace.get(path)).text


async def test_the_api_lists_takes_and_deletes(grace: httpx2.AsyncClient, stage: Stage) -> None:
    machine = await stage.make()
    path = f"/api/v1/workstations/{machine.id}/snapshots"
    answer = await grace.post(path)
    assert answer.status_code == 202
    assert (await stage.row(Run, answer.json()["run_id"])).kind is RunKind.SNAPSHOT
    snapshot = await stage.snapshot(machine.id, storage_bytes=1 << 30)

    [listed] = (await grace.get(path)).json()
    assert listed["id"] == snapshot.id
    assert (listed["storage_bytes"], listed["usd_per_month"], listed["reason"]) == (1 << 30, 0.053, "manual")
    assert (await grace.delete(f"{path}/{snapshot.id}")).json()["is_being_deleted"]


async def test_a_new_machine_starts_from_a_snapshot_of_ones_own(
    grace: httpx2.AsyncClient, linus: httpx2.AsyncClient, stage: Stage
) -> None:
    snapshot = await stage.snapshot((await stage.make(disk_size_gb=120)).id, disk_size_gb=120)
    link = f"disk_snapshot={snapshot.id}&amp;disk_size_gb=120&amp;zone=europe-west4-a"
    assert link in (await grace.get(f"/workstations/{snapshot.workstation_id}")).text
    form = (await grace.get(f"/workstations/new?disk_snapshot={snapshot.id}&disk_size_gb=120")).text
    assert f'value="{snapshot.id}" selected' in form
    assert "Files on the data disk" not in (await linus.get("/workstations/new")).text

    fields = {"disk_snapshot": snapshot.id, "disk_size_gb": "120", "zone": "us-central1-a"}
    copy = await stage.row(Workstation, await create(grace, name="copy", **fields))
    assert (copy.disk_snapshot, copy.zone) == (snapshot.name, "us-central1-a")
    run = await stage.row(Run, await stage.pending(copy.id))
    assert run.inputs["disk_snapshot"] == snapshot.name


@pytest.mark.parametrize(
    ("who", "fields", "field", "sentence"),
    [
        ("grace", {"disk_size_gb": 50}, "disk_size_gb", "The snapshot is of a disk with 100 GB. Enter that or more."),
        ("grace", {"disk_snapshot": "../x"}, "disk_snapshot", "You have no such snapshot."),
        ("grace", {"disk_snapshot": "nosuch"}, "disk_snapshot", "You have no such snapshot."),
        ("linus", {}, "disk_snapshot", "You have no such snapshot."),
    ],
)
async def test_a_snapshot_that_does_not_fit_is_refused_at_its_field(
    grace: httpx2.AsyncClient,
    linus: httpx2.AsyncClient,
    stage: Stage,
    who: str,
    fields: dict[str, object],
    field: str,
    sentence: str,
) -> None:
    snapshot = await stage.snapshot((await stage.make()).id)
    body = {"name": "copy", "machine_type": "e2-standard-4", "disk_snapshot": snapshot.id, **fields}
    answer = await {"grace": grace, "linus": linus}[who].post("/api/v1/workstations", json=body)
    assert answer.status_code == 422
    assert answer.json()["error"]["fields"] == {field: sentence}


async def test_a_snapshot_that_is_being_deleted_is_of_no_use(grace: httpx2.AsyncClient, stage: Stage) -> None:
    snapshot = await stage.snapshot((await stage.make()).id, delete_requested_at=stage.clock())
    body = {"name": "copy", "machine_type": "e2-standard-4", "disk_snapshot": snapshot.id}
    assert (await grace.post("/api/v1/workstations", json=body)).status_code == 422


async def test_the_form_that_moves_a_machine_says_what_that_does(grace: httpx2.AsyncClient, stage: Stage) -> None:
    machine = await stage.make()
    path = f"/workstations/{machine.id}/change"
    page = await grace.get(path, params={"machine_type": "e2-standard-4", "zone": "us-central1-a"})
    assert "Moving to us-central1-a: the machine is replaced" in page.text
    assert "the data disk moves by a snapshot" in page.text
    assert "The external IP changes" in page.text

    await grace.post(path, data={"machine_type": "e2-standard-4", "zone": "us-central1-a"})
    run = await stage.row(Run, await stage.pending(machine.id))
    assert (run.changes, run.inputs["zone"]) == ({"zone": "us-central1-a"}, "us-central1-a")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"zone": "mars-north1-a"}, "zone"),
        ({"zone": "europe-west4-b", "disk_size_gb": 50}, "disk_size_gb"),
        ({"zone": "europe-west4-b", "disk_type": "pd-ssd"}, "disk_type"),
    ],
)
async def test_a_move_that_is_not_possible_is_refused_at_its_field(
    grace: httpx2.AsyncClient, stage: Stage, fields: dict[str, object], field: str
) -> None:
    machine = await stage.make()
    answer = await grace.patch(f"/api/v1/workstations/{machine.id}", json=fields)
    assert answer.status_code == 422
    assert list(answer.json()["error"]["fields"]) == [field]


async def test_daily_snapshots_are_turned_on_and_off(grace: httpx2.AsyncClient, stage: Stage) -> None:
    machine = await stage.make()
    path = f"/workstations/{machine.id}"
    assert "Turn on daily snapshots" in (await grace.get(path)).text
    await grace.post(f"{path}/snapshots/daily", data={"daily": "yes"})
    assert "Turn off daily snapshots" in (await grace.get(path)).text

    api = f"/api/v1{path}/snapshots/daily"
    assert (await grace.get(api)).json() == {"daily": True, "are_taken": True}
    assert (await grace.put(api, json={"daily": None})).json() == {"daily": None, "are_taken": False}
    assert (await grace.put(api, json={"daily": "yes"})).status_code == 422
    await refusal(grace, f"{path}/snapshots/daily", {"daily": "often"})
    async with stage.database.sessions() as session:
        entries = await audit_entries(session, action="workstation.choose_daily_snapshots")
    assert [entry.after for entry in entries] == [{"daily_snapshots": True}, {"daily_snapshots": None}]


async def test_a_snapshot_is_opened_and_closed_from_the_page(grace: httpx2.AsyncClient, stage: Stage) -> None:
    machine = await stage.make()
    snapshot = await stage.snapshot(machine.id)
    path = f"/workstations/{machine.id}/snapshots"
    assert "No snapshot of dev-1 is open." in (await refusal(grace, f"{path}/close")).text
    run_id = await run_from(grace, machine.id, f"snapshots/{snapshot.id}/open")
    run = await stage.row(Run, run_id)
    assert run.inputs["opened_snapshot"] == {
        "name": snapshot.name,
        "date": snapshot.date,
        "size_gb": 100,
        "disk_type": "pd-balanced",
    }
    async with stage.database.sessions.begin() as session:
        row = await session.get_one(Workstation, machine.id)
        row.set_opened(run.inputs["opened_snapshot"], stage.clock())
    await stage.cancel(run_id)
    page = (await grace.get(f"/workstations/{machine.id}")).text
    # 100 GB of the disk that is made for it.
    assert f"/home/jupyter/.snapshots/{snapshot.date}</span> until" in page
    assert 'disk <span class="nowrap">$0.02</span> per hour' in page
    assert f"Close the snapshot of {snapshot.date}" in page
    assert "This snapshot is open." in (await refusal(grace, f"{path}/{snapshot.id}/delete")).text
    [listed] = (await grace.get(f"/api/v1{path}")).json()
    assert listed["open_at"] == snapshot.folder
    closing = (await grace.post(f"/api/v1{path}/close")).json()["run_id"]
    assert (await stage.row(Run, closing)).inputs["opened_snapshot"] is None


async def test_a_machine_that_is_off_opens_nothing(grace: httpx2.AsyncClient, stage: Stage) -> None:
    machine = await stage.make()
    snapshot = await stage.snapshot(machine.id)
    async with stage.database.sessions.begin() as session:
        (await session.get_one(Workstation, machine.id)).status = WorkstationStatus.STOPPED
    assert f"{snapshot.id}/open" not in (await grace.get(f"/workstations/{machine.id}")).text
    answer = await grace.post(f"/api/v1/workstations/{machine.id}/snapshots/{snapshot.id}/open")
    assert (answer.status_code, answer.json()["error"]["message"]) == (409, "dev-1 is not running.")
