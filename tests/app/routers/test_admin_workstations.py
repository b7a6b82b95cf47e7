"""The admins' list of all workstations."""

import csv
from datetime import timedelta

import httpx2
import pytest

from app.models import Workstation
from app.services.catalog import HOURS_A_MONTH
from app.services.terraform import orphans
from app.services.terraform.orphans import Orphan, OrphanSearch
from app.services.workstations import listing, running_times
from app.services.workstations.listing import Wanted
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
    for shown in (
        "3 workstations",
        "train-1",
        "linux",
        "grace@example.com",
        "linus@example.com",
        "$",
        "last use unknown",
    ):
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


@pytest.mark.parametrize("sort", listing.SORTS)
async def test_pages_follow_each_other_without_gaps_(stage: Stage, sort: str) -> None:
    made = [(await stage.request(f"dev-{number}", who=f"member-{number % 3}")).workstation.id for number in range(5)]
    seen: list[str] = []
    after: str | None = ""
    async with stage.acting("ada") as ctx:
        while after is not None:
            page = await listing.page(ctx, Wanted(sort=sort), after=after, limit=2)
            seen += [row.workstation.id for row in page.rows]
            after = page.after
    assert sorted(seen) == sorted(made)
    assert len(seen) == len(set(seen))


async def test_a_page_takes_four_queries_however_it_is_searched_and_sorted(
    stage: Stage, machines: dict[str, Workstation], ada: httpx2.AsyncClient
) -> None:
    for query in ("", "?q=owner:grace+gpu:l4&sort=hours", f"?sort=used&after={machines['notes'].id}"):
        with statements(stage.database) as asked:
            assert (await ada.get(PAGE + query)).status_code == 200
        assert len(asked) <= 4, query


async def test_the_hours_the_cost_and_the_last_use_are_in_the_list(
    stage: Stage, machines: dict[str, Workstation], ada: httpx2.AsyncClient
) -> None:
    async with stage.database.sessions.begin() as session:
        row = await session.get_one(Workstation, machines["notes"].id)
        row.running_since = stage.clock() - timedelta(hours=30)
        row.used_at = stage.clock() - timedelta(hours=2)
        await running_times.add(session, machines["linux"].id, stage.clock() - timedelta(hours=6), stage.clock())
    assert await names(ada, "?sort=hours") == ["notes", "linux", "train-1"]
    assert (await names(ada, "?sort=used"))[0] == "notes"
    rows = {row["name"]: row for row in csv.DictReader((await ada.get(f"{PAGE}.csv")).text.splitlines())}
    assert {name: row["hours_this_month"] for name, row in rows.items()} == {
        "notes": "30.00",
        "linux": "6.00",
        "train-1": "0.00",
    }
    assert float(rows["notes"]["usd_this_month"]) > float(rows["linux"]["usd_this_month"]) > 0
    assert (rows["notes"]["last_used_at"], rows["linux"]["last_used_at"]) == ("2026-03-02T07:33:00+00:00", "")
    assert "30.0 h" in (await ada.get(PAGE)).text


async def test_kept_disks_of_all_members_are_counted_with_their_price(
    stage: Stage, machines: dict[str, Workstation], ada: httpx2.AsyncClient
) -> None:
    async with stage.database.sessions.begin() as session:
        for name in ("notes", "linux"):
            row = await session.get_one(Workstation, machines[name].id)
            row.become_destroyed(stage.clock(), disk_kept=True)
        disk = stage.catalog.disk_price_per_hour(row.zone, 2 * row.disk_size_gb, row.disk_type)
    page = (await ada.get(PAGE, params={"q": "train"})).text
    assert disk
    assert f"${disk * HOURS_A_MONTH:,.2f}</span> per month" in page
    assert "status%3Adestroyed" in page
    assert sorted(await names(ada, "?q=status:destroyed")) == ["linux", "notes"]


async def test_orphans_are_counted_as_the_last_search_knew_them(stage: Stage, ada: httpx2.AsyncClient) -> None:
    assert "Not checked yet" in (await ada.get(PAGE)).text
    orphan = Orphan("projects/p/zones/z/disks/lost-home", "lost", "grace", "no such stack")
    async with stage.database.sessions.begin() as session:
        await orphans.keep(session, OrphanSearch([orphan], ["busy1"]), stage.clock())
    assert f'<a href="{PAGE}/orphans">1 · checked' in (await ada.get(PAGE)).text
    page = (await ada.get(f"{PAGE}/orphans")).text
    for shown in (orphan.id, "grace", "no such stack", "busy1", "Check again"):
        assert shown in page
    assert (await ada.post(f"{PAGE}/orphans")).status_code == 303
    assert "Checking" in (await ada.get(f"{PAGE}/orphans")).text
