import re

import httpx2
import pytest

from app.models import LogLevel, Run
from tests.clients import create, refusal, run_of
from tests.parts import MovingClock
from tests.stage import Stage

pytestmark = pytest.mark.anyio


@pytest.fixture
async def run_id(grace: httpx2.AsyncClient) -> str:
    return await run_of(grace, await create(grace))


async def test_a_run_shows_its_state_stages_and_log_and_follows_on_from_there(
    stage: Stage, grace: httpx2.AsyncClient, run_id: str
) -> None:
    await stage.claim(run_id)
    await stage.apply(run_id)
    await stage.write(run_id, "Creating <b>it</b>")
    page = (await grace.get(f"/runs/{run_id}")).text

    for shown in ("Applying", "Create dev-1", "Claimed", "Creating &lt;b&gt;it&lt;/b&gt;"):
        assert shown in page
    assert f'hx-sse:connect="/runs/{run_id}/events?after=2&since=' in page
    assert 'http-equiv="refresh"' in page


async def test_a_run_that_ended_follows_nothing(stage: Stage, grace: httpx2.AsyncClient, run_id: str) -> None:
    await stage.carry_out(run_id)
    page = (await grace.get(f"/runs/{run_id}")).text

    assert "Applied" in page
    assert "Connect to dev-1" in page
    for absent in ("hx-sse:connect", "every 10s", "http-equiv"):
        assert absent not in page


async def test_a_failed_run_shows_the_hint_then_the_raw_text_and_is_retried_as_a_new_run(
    stage: Stage, grace: httpx2.AsyncClient, run_id: str, clock: MovingClock
) -> None:
    await stage.fail(run_id)
    machine_id = (await stage.row(Run, run_id)).stack_id
    clock.advance(minutes=1)
    page = (await grace.get(f"/runs/{run_id}")).text
    again = await grace.post(f"/runs/{run_id}/retry")

    assert page.index("no capacity for this machine type") < page.index("ZONE_RESOURCE_POOL_EXHAUSTED")
    assert ">Delete<" in page
    assert "Try in europe-west4-b" in page
    assert again.status_code == 303
    assert again.headers["location"] == f"/workstations/{machine_id}"
    assert await stage.pending(machine_id) != run_id
    assert "Queued" in (await grace.get(again.headers["location"])).text


async def test_a_queued_run_ends_at_once_when_cancelled_and_a_begun_one_by_its_worker(
    stage: Stage, grace: httpx2.AsyncClient, run_id: str
) -> None:
    assert f'action="/runs/{run_id}/cancel"' in (await grace.get(f"/runs/{run_id}")).text
    assert (await grace.post(f"/runs/{run_id}/cancel")).headers["location"] == f"/runs/{run_id}"
    assert "Canceled" in (await grace.get(f"/runs/{run_id}")).text

    begun = await run_of(grace, await create(grace, name="dev-2"))
    await stage.claim(begun)
    assert (await grace.post(f"/runs/{begun}/cancel")).headers["location"] == f"/runs/{begun}"
    refused = await refusal(grace, f"/runs/{begun}/cancel")
    assert "already being stopped" in refused.text


@pytest.mark.parametrize(("sent", "first"), [({}, 2), ({"Last-Event-ID": "2"}, 3), ({"Last-Event-ID": "2x"}, 2)])
async def test_the_stream_gives_the_lines_after_those_one_has_and_ends_with_the_run(
    stage: Stage, grace: httpx2.AsyncClient, run_id: str, sent: dict[str, str], first: int
) -> None:
    await stage.write(run_id, "alpha", "beta", "gamma\nthe third's second row")
    await stage.carry_out(run_id)
    stream = await grace.get(f"/runs/{run_id}/events", params={"after": 1}, headers=sent)

    assert stream.headers["content-type"].startswith("text/event-stream")
    assert [word in stream.text for word in ("alpha", "beta", "gamma")] == [False, first == 2, True]
    assert stream.text.index("id: 5\n\n") < stream.text.index("event: changed") < stream.text.index("event: done")
    assert "data: the third&#39;s second row" in stream.text


async def test_a_long_log_is_streamed_in_batches_and_downloaded_whole(
    stage: Stage, grace: httpx2.AsyncClient, run_id: str
) -> None:
    await stage.write(run_id, *(f"line {number}" for number in range(1, 1201)))
    await stage.carry_out(run_id)
    stream = await grace.get(f"/runs/{run_id}/events")
    text = await grace.get(f"/runs/{run_id}/log")
    page = await grace.get(f"/runs/{run_id}")

    assert [line for line in stream.text.splitlines() if line.startswith("id: ")] == ["id: 500", "id: 1000", "id: 1202"]
    assert text.text.count("\n") == 1202
    assert "attachment" in text.headers["content-disposition"]
    assert "<span data-log-skipped>202</span> lines are not shown" in page.text
    assert ">line 202<" not in page.text
    assert ">line 203<" in page.text


async def test_the_log_file_says_what_is_an_error(stage: Stage, grace: httpx2.AsyncClient, run_id: str) -> None:
    await stage.write(run_id, "it broke", level=LogLevel.ERROR)
    text = (await grace.get(f"/runs/{run_id}/log")).text

    assert text == "2026-03-02T09:30:00.000+00:00 apply: ERROR: it broke\n"


async def test_whoever_signs_out_reads_no_further_line(stage: Stage, grace: httpx2.AsyncClient, run_id: str) -> None:
    await stage.carry_out(run_id)
    await grace.post("/sign-out")

    assert (await grace.get(f"/runs/{run_id}/events")).status_code == 303


async def test_a_run_is_cancelled_on_its_workstations_page_which_then_says_so(
    stage: Stage, grace: httpx2.AsyncClient, run_id: str
) -> None:
    path = f"/workstations/{(await stage.row(Run, run_id)).stack_id}"
    assert f'action="/runs/{run_id}/cancel"' in (await grace.get(path)).text
    await stage.apply(run_id)
    page = (await grace.get(path)).text
    assert re.findall(rf'action="/runs/{run_id}/cancel".*?name="mode" value="(\w+)"', page, re.DOTALL) == [
        "undo",
        "now",
    ]

    answer = await grace.post(f"/runs/{run_id}/cancel", data={"mode": "undo", "back": "subject"})
    assert answer.headers["location"] == path
    assert "Stopping" in (await grace.get(path)).text


async def test_how_long_a_run_took_leaves_out_the_wait_for_approval(
    stage: Stage, grace: httpx2.AsyncClient, run_id: str, clock: MovingClock
) -> None:
    await stage.await_approval(run_id, [{"address": "a", "action": "replace"}])
    clock.advance(minutes=17)
    await stage.approve(run_id, "grace")
    clock.advance(seconds=55)
    await stage.carry_out(run_id)

    assert "took 55 seconds after the approval" in (await grace.get(f"/runs/{run_id}")).text


async def test_a_run_that_was_discarded_took_no_time(
    stage: Stage, grace: httpx2.AsyncClient, run_id: str, clock: MovingClock
) -> None:
    await stage.await_approval(run_id, [{"address": "a", "action": "replace"}])
    clock.advance(minutes=17)
    await stage.discard(run_id, "grace")

    assert "took" not in (await grace.get(f"/runs/{run_id}")).text
