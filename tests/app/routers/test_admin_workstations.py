"""The admins' list of all workstations, and what they do with several at once."""

import csv

import httpx2
import pytest

from app.models import Workstation, WorkstationStatus
from app.services.workstations import listing
from tests.app.counting import statements
from tests.stage import Stage

pytestmark = pytest.mark.anyio
PAGE = "/admin/workstations"


@pytest.fixture
async def machines(stage: Stage) -> dict[str, Workstation]:
    """By name: two of Grace's and one of Linus's, the newest last."""
    return {
        "train-1": await stage.make("train-1", machine_type="g2-standard-4"),
        "notes": await stage.make("notes"),
        "linux": await stage.make("linux", who="linus"),
    }


async def names(ada: httpx2.AsyncClient, query: str = "") -> list[str]:
    answer = await ada.get(f"{PAGE}.csv{query}")
    return [row["name"] for row in csv.DictReader(answer.text.splitlines())]


async def test_an_admin_sees_everybodys_machines_and_opens_them(
    machines: dict[str, Workstation], ada: httpx2.AsyncClient
) -> None:
    page = (await ada.get(PAGE)).text
    for shown in ("3 workstations", "train-1", "linux", "grace@example.com", "linus@example.com", "$"):
        assert shown in page
    assert (await ada.get(f"/workstations/{machines['linux'].id}")).status_code == 200


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["linux", "notes", "train-1"]),
        ("?q=owner:grace", ["notes", "train-1"]),
        ("?q=gpu:l4", ["train-1"]),
        ("?q=gpu:none+owner:LINUS", ["linux"]),
        ("?q=gpu:h100", []),
        ("?q=type:e2+zone:europe-west4", ["linux", "notes"]),
        ("?q=status:running+n", ["linux", "notes", "train-1"]),
        ("?q=status:stopped", []),
        ("?q=%25", []),
        ("?sort=name", ["linux", "notes", "train-1"]),
        ("?sort=owner&q=owner:example.com", ["notes", "train-1", "linux"]),
    ],
)
async def test_a_search_finds_what_it_says(
    machines: dict[str, Workstation], ada: httpx2.AsyncClient, query: str, found: list[str]
) -> None:
    listed = await names(ada, query)
    assert (listed if "owner&" not in query else sorted(listed[:2]) + listed[2:]) == found


@pytest.mark.parametrize(
    ("search", "sentence"), [("color:red", "There is no color: to search by"), ("status:up", "There is no status up")]
)
async def test_a_search_that_makes_no_sense_is_said_at_its_field(
    ada: httpx2.AsyncClient, search: str, sentence: str
) -> None:
    answer = await ada.get(PAGE, params={"q": search})
    assert answer.status_code == 422
    assert sentence in answer.text
    assert search in answer.text


@pytest.mark.parametrize("sort", ["created", "name", "owner", "status"])
async def test_pages_follow_each_other_without_gaps_in_at_most_four_queries(stage: Stage, sort: str) -> None:
    made = [(await stage.request(f"dev-{number}", who=f"member-{number % 3}")).workstation.id for number in range(5)]
    seen: list[str] = []
    after: str | None = ""
    async with stage.acting("ada") as ctx:
        while after is not None:
            with statements(stage.database) as asked:
                page = await listing.page(ctx, sort=sort, after=after, limit=2)
            assert len(asked) <= 4
            seen += [each.id for each in page.workstations]
            after = page.after
    assert sorted(seen) == sorted(made)
    assert len(seen) == len(set(seen))


async def test_several_are_stopped_at_once_and_each_says_what_became_of_it(
    stage: Stage, machines: dict[str, Workstation], ada: httpx2.AsyncClient
) -> None:
    async with stage.database.sessions.begin() as session:
        (await session.get_one(Workstation, machines["notes"].id)).become_stopped()
    ids = [machine.id for machine in machines.values()]
    answer = await ada.post(f"{PAGE}/actions", data={"action": "stop", "workstation_id": ids})
    assert answer.status_code == 200
    for shown in ("2 of 3 queued", "notes cannot stop while it is stopped", "Not possible"):
        assert shown in answer.text
    for name in ("train-1", "linux"):
        await stage.carry_out(await stage.pending(machines[name].id))
    statuses = {(await stage.row(Workstation, id_)).status for id_ in ids}
    assert statuses == {WorkstationStatus.STOPPED}


async def test_deleting_several_keeps_their_disks(
    stage: Stage, machines: dict[str, Workstation], ada: httpx2.AsyncClient
) -> None:
    ids = [machines["notes"].id, machines["linux"].id]
    await ada.post(f"{PAGE}/actions", data={"action": "delete", "workstation_id": ids})
    for id_ in ids:
        await stage.carry_out(await stage.pending(id_))
        assert (await stage.row(Workstation, id_)).disk_kept
    assert sorted(await names(ada, "?q=status:destroyed")) == ["linux", "notes"]


async def test_what_does_not_exist_stops_nothing(
    stage: Stage, machines: dict[str, Workstation], ada: httpx2.AsyncClient
) -> None:
    ids = [machines["notes"].id, "nothing"]
    assert (await ada.post(f"{PAGE}/actions", data={"action": "stop", "workstation_id": ids})).status_code == 404
    assert (await ada.post(f"{PAGE}/actions", data={"action": "stop"})).status_code == 422
    assert (await stage.row(Workstation, machines["notes"].id)).status is WorkstationStatus.RUNNING
