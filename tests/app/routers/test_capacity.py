"""What pages and the API say of capacity: before a request what was seen of it, and after it what was tried."""

import html
import re
from datetime import date
from typing import Any

import httpx2
import pytest

from app.infra import hints
from app.models import Member, Run, Workstation, WorkstationStatus
from app.models.placement import Placement
from app.services import lifecycle
from app.services.catalog import zone_capacities
from tests.app.routers.test_team_policy import FORM
from tests.clients import create, refusal, run_of
from tests.parts import MovingClock
from tests.stage import Stage

pytestmark = pytest.mark.anyio
L4 = {"machine_type": "g2-standard-8"}
AT_NOON = {"start": "12:00", "stop": "13:00", "days": ["mon", "tue", "wed", "thu", "fri"], "time_zone": "UTC"}


async def see(stage: Stage, zone: str, *, found: bool, spot: bool = False, machine_type: str = "g2-standard-8") -> None:
    async with stage.database.sessions.begin() as session:
        await zone_capacities.record(session, Placement(zone, machine_type, spot), stage.clock(), found=found)


async def test_the_form_says_what_was_seen_last_in_each_zone(
    stage: Stage, grace: httpx2.AsyncClient, clock: MovingClock
) -> None:
    await see(stage, "europe-west4-b", found=True, machine_type="g2-standard-4")
    clock.advance(minutes=20)
    await see(stage, "europe-west4-a", found=True)
    clock.advance(minutes=20)
    await see(stage, "europe-west4-a", found=False)
    await see(stage, "europe-west4-c", found=True, spot=True)
    form = (await grace.get("/workstations/new", params=L4)).text
    said = " ".join(re.sub(r"<[^>]+>", "", form[form.index("as last seen") :][:900]).split())

    assert said.startswith(
        "as last seen: europe-west4-a: none 2 Mar 2026, 10:10 UTC, europe-west4-b: available 2 Mar 2026, 09:30 UTC."
    )
    assert 'datetime="2026-03-02T10:10:00' in form
    assert "as last seen" not in (await grace.get("/workstations/new", params={"machine_type": "e2-standard-4"})).text


async def test_the_api_says_it_of_both_prices(stage: Stage, grace: httpx2.AsyncClient) -> None:
    await see(stage, "europe-west4-a", found=False)
    await see(stage, "europe-west4-c", found=True, spot=True)
    answer = (await grace.get("/api/v1/capacity", params=L4)).json()

    assert [(each["zone"], each["spot"], each["has_any"]) for each in answer] == [
        ("europe-west4-c", True, True),
        ("europe-west4-a", False, False),
    ]
    assert (answer[0]["none_at"], answer[1]["found_at"]) == (None, None)
    assert (await grace.get("/api/v1/capacity")).status_code == 422
    assert (await grace.get("/api/v1/capacity", params={"machine_type": "m9-huge"})).json() == []


async def test_the_price_covers_what_may_be_tried(grace: httpx2.AsyncClient) -> None:
    alone = (await grace.get("/workstations/new", params={**L4, "spot": "yes"})).text
    more = (await grace.get("/workstations/new", params={**L4, "spot": "yes", "other_pricing": "yes"})).text

    assert "if the first choice has no capacity" not in alone
    assert re.search(r"Up to <span[^>]*>\$[\d.]+</span> per hour if the first choice has no capacity", more)


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("other_zones", "mars", ""),
        ("wait_hours", "169", "Enter a number of hours from 0 to 168."),
        ("wait_hours", "soon", ""),
        ("second_machine_type", "m9-huge", "This machine type is not available."),
        ("second_machine_type", "g2-standard-8", "Choose another machine type than the first one."),
        ("second_machine_type", "g4-standard-48", "does not support Balanced disks"),
    ],
)
async def test_what_cannot_be_tried_is_said_at_its_field(
    grace: httpx2.AsyncClient, field: str, value: str, sentence: str
) -> None:
    page = html.unescape((await refusal(grace, "/workstations", {"name": "dev-1", **L4, field: value})).text)

    assert f'id="{field}-error"' in page
    assert sentence in page


async def test_pages_and_the_api_say_what_was_tried_and_when(stage: Stage, grace: httpx2.AsyncClient) -> None:
    workstation_id = await create(grace, **L4, other_pricing="yes", other_zones="none")
    run_id = await run_of(grace, workstation_id)
    async with stage.working_on(run_id) as (_, run):
        run.note_shortage(run.placements[0], stage.clock())
    answer = (await grace.get(f"/api/v1/runs/{run_id}")).json()
    pages = [(await grace.get(path)).text for path in (f"/runs/{run_id}", f"/workstations/{workstation_id}")]

    assert [each["spot"] for each in answer["alternatives"]] == [False, True]
    assert answer["tried"] == [{"placement": answer["alternatives"][0], "at": "2026-03-02T09:30:00Z"}]
    assert all("g2-standard-8 in europe-west4-a: none at" in page for page in pages)


async def test_a_retry_may_try_the_same(stage: Stage) -> None:
    requested = await stage.request(machine_type="g2-standard-8", other_pricing=True)
    await stage.fail(requested.run.id)
    again = await stage.row(Run, (await stage.retry(requested.run.id)).id)

    assert (len(again.placements), again.tried) == (6, [])


async def test_the_page_of_a_machine_sets_for_how_long_its_starts_wait(stage: Stage, grace: httpx2.AsyncClient) -> None:
    machine = await stage.make()
    path = f"/workstations/{machine.id}"
    before = (await grace.get(path)).text
    answer = await grace.post(f"{path}/capacity", data={"wait_hours": "24"})
    after, form = (await grace.get(answer.headers["location"])).text, (await grace.get(f"{path}/capacity")).text

    assert "If Google has none when this machine is started or changed, that fails." in before
    assert "it waits for up to a day" in after
    assert re.search(r'value="24"\s+selected', form)
    for wrong in ("", "many", "169", "-1", "1e9"):
        assert 'id="wait_hours-error"' in (await refusal(grace, f"{path}/capacity", {"wait_hours": wrong})).text
    assert (await stage.row(Workstation, machine.id)).wait_hours == 24


async def test_the_api_sets_it_too(stage: Stage, grace: httpx2.AsyncClient) -> None:
    machine = await stage.make()
    path = f"/api/v1/workstations/{machine.id}"
    wishes = {"wait_hours": 12, "restart_preempted": None, "moves_itself": True}
    answer = await grace.put(f"{path}/capacity", json=wishes)

    assert (answer.status_code, answer.json()) == (200, wishes)
    assert (await grace.get(f"{path}/capacity")).json() == wishes
    assert (await grace.get(path)).json()["wait_hours"] == 12
    assert (await grace.get(path)).json()["moves_itself"]
    assert (await grace.put(f"{path}/capacity", json={"wait_hours": 169})).status_code == 422


async def test_a_wait_is_shown_with_its_next_try_and_can_be_canceled(
    stage: Stage, grace: httpx2.AsyncClient, linus: httpx2.AsyncClient, ada: httpx2.AsyncClient
) -> None:
    ids = []
    for browser in (grace, linus):
        ids.append(await create(browser, **L4, other_zones="none", wait_hours="24"))
        async with stage.working_on(await run_of(browser, ids[-1])) as (ctx, run):
            await lifecycle.claim(ctx, run, "w", "h")
            run.note_shortage(run.placements[0], stage.clock())
            await lifecycle.await_capacity(ctx, run, has_changed_anything=False)
        stage.clock.advance(seconds=30)
    page, run_id = (await linus.get(f"/workstations/{ids[1]}")).text, await run_of(linus, ids[1])
    answer = (await linus.get(f"/api/v1/runs/{run_id}")).json()
    metrics = (await grace.get("/metrics")).text

    lists = [(await linus.get("/")).text, (await ada.get("/admin/workstations")).text]

    assert [re.findall(r'Next try\s+<time datetime="([^"]+)"', each) for each in lists] == [
        ["2026-03-02T09:31:30+00:00"],
        ["2026-03-02T09:31:30+00:00", "2026-03-02T09:31:00+00:00"],
    ]
    assert "1 in the team has waited longer for the same." in " ".join(page.split())
    assert "Next try" in page
    assert ("Waiting for capacity" in (await linus.get("/")).text, "Cancel" in page) == (True, True)
    assert "Nothing is billed" in page
    assert (answer["status"], answer["ahead"]) == ("waiting_for_capacity", 1)
    assert answer["next_try_at"] == "2026-03-02T09:31:30Z"
    assert answer["wait_until"] == "2026-03-03T09:30:30Z"
    for what in ("runs", "workstations"):
        assert f'stationmaster_{what}{{status="waiting_for_capacity"}} 2.0' in metrics
    await linus.post(f"/runs/{run_id}/cancel")
    assert (await linus.get(f"/api/v1/workstations/{ids[1]}")).json()["status"] == "destroyed"


async def test_the_page_says_whether_a_spot_machine_comes_back_and_what_counts_more(
    stage: Stage, grace: httpx2.AsyncClient, ada: httpx2.AsyncClient
) -> None:
    machine = await stage.make(**L4, spot=True)
    path = f"/workstations/{machine.id}"
    saved = await ada.post("/admin/policy", data={**FORM, "restart_preempted": "yes"})
    assert saved.status_code == 303
    by_policy = (await grace.get(path)).text
    await grace.post(f"{path}/capacity", data={"wait_hours": "0", "restart_preempted": "no"})
    by_owner, form = (await grace.get(path)).text, (await grace.get(f"{path}/capacity")).text
    wrong = await refusal(grace, f"{path}/capacity", {"wait_hours": "0", "restart_preempted": "perhaps"})

    assert "If Google preempts it, it is started again" in by_policy
    assert "If Google preempts it, it stays stopped." in by_owner
    assert re.search(r'value="no"\s+selected', form)
    assert "policy says (yes)" in html.unescape(form)
    assert 'id="restart_preempted-error"' in wrong.text
    assert "restart_preempted" not in (await grace.get(f"/workstations/{(await stage.make('dev-2')).id}/capacity")).text


async def off(stage: Stage, grace: httpx2.AsyncClient) -> str:
    """A stopped machine, which is asked to start; returns its id."""
    machine = await stage.make(**L4)
    for order in ("stop", "start"):
        assert (await grace.post(f"/workstations/{machine.id}/{order}")).status_code == 303
        if order == "stop":
            await stage.carry_out(await stage.pending(machine.id))
        stage.clock.advance(minutes=1)
    return machine.id


def moves(page: str) -> list[str]:
    return re.findall(r"Move to ([\w-]+)", page)


async def test_a_start_without_capacity_offers_moves_to_zones_that_have_some_and_says_what_was_seen(
    stage: Stage, grace: httpx2.AsyncClient
) -> None:
    workstation_id = await off(stage, grace)
    run_id, path = await stage.pending(workstation_id), f"/workstations/{workstation_id}"
    await see(stage, "europe-west4-b", found=False)
    error = "ZONE_RESOURCE_POOL_EXHAUSTED Consider trying your request in the us-central1-a zone(s)"
    await stage.fail(run_id, error)
    pages = [(await grace.get(each)).text for each in (path, f"/runs/{run_id}")]
    form = (await grace.get(f"{path}/change?zone=europe-west4-c")).text
    sent = await grace.post(f"{path}/change", data={"zone": "europe-west4-c"})
    queued = await stage.row(Run, await stage.pending(workstation_id))

    assert [moves(page) for page in pages] == [["us-central1-a", "europe-west4-c", "europe-west4-b"]] * 2
    assert f'href="{path}/change?zone=europe-west4-c"' in pages[0]
    said = " ".join(re.sub(r"<[^>]+>", " ", pages[0][pages[0].index("It can move") :]).split())
    for sentence in ("files move along by a snapshot", "Google has capacity there.", "Capacity unknown.", "None 2 Mar"):
        assert sentence in said
    assert re.search(r'value="europe-west4-c"\s+selected', form)
    assert "Afterwards the machine runs there" in form
    assert (sent.status_code, queued.kind.value, queued.changes) == (303, "update", {"zone": "europe-west4-c"})
    assert moves((await grace.get(path)).text) == []


async def test_a_start_that_waits_offers_moves_and_gives_way_to_one(stage: Stage, grace: httpx2.AsyncClient) -> None:
    workstation_id = await off(stage, grace)
    run_id, path = await stage.pending(workstation_id), f"/workstations/{workstation_id}"
    async with stage.working_on(run_id) as (ctx, run):
        run.wait_hours = 24
        await lifecycle.claim(ctx, run, "w", "h")
        here = (await ctx.session.get_one(Workstation, workstation_id)).placement
        run.note_shortage(here, stage.clock(), ["europe-west4-c"])
        await lifecycle.await_capacity(ctx, run, has_changed_anything=False)
    pages = [(await grace.get(each)).text for each in (path, f"/runs/{run_id}")]
    await grace.post(f"{path}/change", data={"zone": "europe-west4-c"})
    after = (await grace.get(f"/runs/{run_id}")).text

    assert [moves(page) for page in pages] == [["europe-west4-c", "europe-west4-b"]] * 2
    assert "Google has capacity there." in pages[0]
    assert ("Superseded by a newer request" in after, moves(after)) == (True, [])


@pytest.mark.parametrize(
    ("error", "is_offered"), [(hints.OTHERS_WAIT, True), ("Quota 'GPUS' exceeded.", False), ("It did not boot.", False)]
)
async def test_moves_are_offered_only_for_want_of_capacity(
    stage: Stage, grace: httpx2.AsyncClient, error: str, is_offered: bool
) -> None:
    workstation_id = await off(stage, grace)
    await stage.fail(await stage.pending(workstation_id), error)

    assert bool(moves((await grace.get(f"/workstations/{workstation_id}")).text)) is is_offered


async def test_a_change_without_capacity_is_offered_elsewhere_as_it_was_requested(
    stage: Stage, grace: httpx2.AsyncClient
) -> None:
    machine = await stage.make(**L4)
    run = await stage.change(machine.id, zone="europe-west4-b", spot=True)
    await stage.apply(run.id)
    await stage.fail(run.id)
    page = html.unescape((await grace.get(f"/workstations/{machine.id}")).text)
    [link] = re.findall(r'href="(/workstations/\w+/change\?[^"]+)"', page)
    form = (await grace.get(link)).text

    assert moves(page) == ["europe-west4-c"]
    assert "Switching Spot on, in the same step." in form
    assert re.search(r'value="europe-west4-c"\s+selected', form)


@pytest.mark.parametrize(
    ("sentence", "changes", "is_disabled"),
    [
        ("because its end date has passed", {"ends_on": date(2025, 1, 2)}, False),
        ("because its office hours count more", {"office_hours": AT_NOON}, False),
        ("because its owner is disabled", {}, True),
    ],
)
async def test_the_page_says_what_counts_more_than_a_return(
    stage: Stage, ada: httpx2.AsyncClient, sentence: str, changes: dict[str, Any], is_disabled: bool
) -> None:
    machine = await stage.make(spot=True)
    async with stage.database.sessions.begin() as session:
        row = await session.get_one(Workstation, machine.id)
        row.status, row.restart_preempted = WorkstationStatus.PREEMPTED, True
        for column, value in changes.items():
            setattr(row, column, value)
        if is_disabled:
            (await session.get_one(Member, row.owner_id)).disabled_at = stage.clock()
    assert sentence in (await ada.get(f"/workstations/{machine.id}")).text
