"""What admins do with many workstations at once, and what they are told of each."""

import httpx2
import pytest
from sqlalchemy import select

from app.models import BulkItem, Member, Role, Workstation, WorkstationStatus
from app.services.workstations import bulk
from tests.stage import Stage
from tests.steps import audit_entries

pytestmark = pytest.mark.anyio
PAGE = "/admin/workstations/actions"
S = WorkstationStatus


@pytest.fixture
async def machines(stage: Stage) -> dict[str, Workstation]:
    """By name: two of Grace's and one of Linus's, which run."""
    return {
        "train-1": await stage.make("train-1", machine_type="g2-standard-4"),
        "notes": await stage.make("notes"),
        "linux": await stage.make("linux", who="linus"),
    }


async def work(stage: Stage, most: int = 1000) -> int:
    """A worker's job, one workstation a transaction; returns how many it did."""
    done = 0
    async with stage.database.sessions() as session:
        waits = select(BulkItem.bulk_action_id).where(BulkItem.done_at.is_(None)).distinct()
        unfinished = list(await session.scalars(waits))
    for action_id in unfinished:
        while done < most:
            async with stage.database.sessions.begin() as session:
                if not await bulk.request_next(stage.context(session), action_id):
                    break
            done += 1
    return done


async def choose(ada: httpx2.AsyncClient, verb: str, *machines: Workstation) -> str:
    """Returns the page that shows what became of each."""
    ids = [machine.id for machine in machines]
    answer = await ada.post(PAGE, data={"verb": verb, "workstation_id": ids})
    assert answer.status_code == 303
    return answer.headers["location"]


async def test_a_request_answers_at_once_and_a_worker_makes_the_runs(
    stage: Stage, machines: dict[str, Workstation], ada: httpx2.AsyncClient
) -> None:
    async with stage.database.sessions.begin() as session:
        (await session.get_one(Workstation, machines["notes"].id)).become_stopped()
    shown = await choose(ada, "stop", *machines.values())
    page = (await ada.get(shown)).text
    assert page.count("Waiting</span>") == 3
    assert await work(stage) == 3
    page = (await ada.get(shown)).text
    for said in ("Stop 3 workstations", "notes cannot stop while it is stopped", "Not possible", "In progress"):
        assert said in page
    for name in ("train-1", "linux"):
        await stage.carry_out(await stage.pending(machines[name].id))
    page = (await ada.get(shown)).text
    assert "Done with problems" in page
    assert "In progress</span>" not in page
    rest = (await ada.get(f"{shown}?without_success=true")).text
    assert ("notes" in rest, "linux" in rest) == (True, False)
    assert {(await stage.row(Workstation, machine.id)).status for machine in machines.values()} == {S.STOPPED}


async def test_each_is_in_the_audit_with_who_asked_and_from_where(
    stage: Stage, machines: dict[str, Workstation], ada: httpx2.AsyncClient
) -> None:
    await choose(ada, "stop", *machines.values())
    await work(stage)
    async with stage.database.sessions() as session:
        entries = await audit_entries(session, action="workstation.stop")
    assert sorted(entry.thing_name for entry in entries) == ["linux", "notes", "train-1"]
    assert {(entry.actor, entry.origin) for entry in entries} == {("ada@example.com", "127.0.0.1")}
    assert all(entry.request_id for entry in entries)


async def test_deleting_keeps_the_disks(
    stage: Stage, machines: dict[str, Workstation], ada: httpx2.AsyncClient
) -> None:
    await choose(ada, "delete", machines["notes"], machines["linux"])
    await work(stage)
    for name in ("notes", "linux"):
        await stage.carry_out(await stage.pending(machines[name].id))
        assert (await stage.row(Workstation, machines[name].id)).disk_kept
    shown = await choose(ada, "delete", machines["notes"])
    await work(stage)
    assert "notes has already been deleted" in (await ada.get(shown)).text


async def test_what_goes_on_is_joined_and_nothing_is_asked_for_twice(
    stage: Stage, machines: dict[str, Workstation], ada: httpx2.AsyncClient
) -> None:
    await choose(ada, "stop", machines["notes"])
    await choose(ada, "stop", machines["notes"], machines["notes"])
    assert await work(stage) == 2
    run_id = await stage.pending(machines["notes"].id)
    await stage.carry_out(run_id)
    assert (await stage.row(Workstation, machines["notes"].id)).status is S.STOPPED


async def test_what_does_not_exist_stops_nothing(
    stage: Stage, machines: dict[str, Workstation], ada: httpx2.AsyncClient
) -> None:
    ids = [machines["notes"].id, "nothing"]
    assert (await ada.post(PAGE, data={"verb": "stop", "workstation_id": ids})).status_code == 404
    assert (await ada.post(PAGE, data={"verb": "stop"})).status_code == 422
    assert (await ada.get(f"{PAGE}/nothing")).status_code == 404
    assert await work(stage) == 0


async def test_all_that_match_are_named_by_their_number_and_confirmed(
    stage: Stage, machines: dict[str, Workstation], ada: httpx2.AsyncClient
) -> None:
    asked = {"verb": "stop", "q": "owner:grace"}
    assert f"{PAGE}/all?verb=stop&amp;q=owner%3Agrace" in (await ada.get("/admin/workstations?q=owner:grace")).text
    page = (await ada.get(f"{PAGE}/all", params=asked)).text
    for said in ("Stop 2 workstations?", "owner:grace", 'name="number" value="2"'):
        assert said in page
    answer = await ada.post(f"{PAGE}/all", data={**asked, "number": 2})
    assert answer.status_code == 303
    assert "all that match <code>owner:grace</code>" in (await ada.get(answer.headers["location"])).text
    assert await work(stage) == 2
    for name in ("train-1", "notes"):
        await stage.pending(machines[name].id)
    assert (await stage.row(Workstation, machines["linux"].id)).status is S.RUNNING


async def test_another_number_than_was_confirmed_does_nothing_and_is_said(
    stage: Stage, machines: dict[str, Workstation], ada: httpx2.AsyncClient
) -> None:
    answer = await ada.post(f"{PAGE}/all", data={"verb": "delete", "q": "owner:grace", "number": 1})
    assert answer.status_code == 409
    for said in ("2 workstations match now, not 1", 'name="number" value="2"'):
        assert said in answer.text
    answer = await ada.post(f"{PAGE}/all", data={"verb": "stop", "q": "color:red", "number": 1})
    assert answer.status_code == 422
    assert await work(stage) == 0


async def test_kept_disks_are_no_machines(
    stage: Stage, machines: dict[str, Workstation], ada: httpx2.AsyncClient
) -> None:
    async with stage.database.sessions.begin() as session:
        row = await session.get_one(Workstation, machines["notes"].id)
        row.become_destroyed(stage.clock(), disk_kept=True)
    assert "Delete 2 workstations?" in (await ada.get(f"{PAGE}/all", params={"verb": "delete"})).text


async def test_what_is_left_of_a_request_of_somebody_who_is_no_longer_an_admin_is_not_done(
    stage: Stage, machines: dict[str, Workstation], ada: httpx2.AsyncClient
) -> None:
    shown = await choose(ada, "stop", *machines.values())
    assert await work(stage, most=1) == 1
    async with stage.acting("linus") as ctx:
        action = await bulk.read(ctx.session, shown.rpartition("/")[2])
        (await ctx.session.get_one(Member, action.requested_by)).role = Role.MEMBER
        ctx.member.role = Role.ADMIN
    assert await work(stage) == 2
    async with stage.database.sessions() as session:
        summary = await bulk.summary(session, action.id)
        items = (await bulk.items(session, action.id)).items
    assert (summary.refused, summary.under_way, summary.waiting) == (2, 1, 0)
    assert items[-1].problem == "ada@example.com is no longer an admin."


async def test_a_long_list_is_read_page_by_page(
    stage: Stage, machines: dict[str, Workstation], ada: httpx2.AsyncClient
) -> None:
    shown = await choose(ada, "start", *machines.values())
    async with stage.database.sessions() as session:
        first = await bulk.items(session, shown.rpartition("/")[2], limit=2)
        rest = await bulk.items(session, shown.rpartition("/")[2], limit=2, after=first.after or 0)
    assert ([item.position for item in first.items], [item.position for item in rest.items]) == ([1, 2], [3])
    assert rest.after is None
