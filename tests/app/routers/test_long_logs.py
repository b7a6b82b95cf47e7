"""A log of 100,000 lines: read at its end, followed, resumed and downloaded, never held in memory as a whole."""

import itertools
import json

import httpx2
import pytest
from fastapi import FastAPI

from app.routers import streams
from app.services import lifecycle
from tests.clients import create, run_of
from tests.stage import Stage

pytestmark = pytest.mark.anyio
LINES = 100_000


@pytest.fixture
async def run_id(stage: Stage, grace: httpx2.AsyncClient) -> str:
    """A run that ended with so many lines."""
    run_id = await run_of(grace, await create(grace))
    await stage.claim(run_id)
    await stage.write_numbered(run_id, LINES - 1)
    async with stage.working_on(run_id) as (ctx, run):
        await lifecycle.fail(ctx, run, "it broke")
    return run_id


async def test_the_page_has_the_end_and_says_where_the_rest_is(grace: httpx2.AsyncClient, run_id: str) -> None:
    page = (await grace.get(f"/runs/{run_id}")).text

    assert page.count('class="log-line') == 1000
    assert ">line 99000<" not in page
    assert ">line 99001<" in page
    assert ">line 100000<" in page
    assert "<span data-log-skipped>99000</span> lines are not shown" in page


def _ids(stream: str) -> list[int]:
    return [int(line.removeprefix("id: ")) for line in stream.splitlines() if line.startswith("id: ")]


async def test_it_is_followed_in_batches_and_resumed_from_any_line(grace: httpx2.AsyncClient, run_id: str) -> None:
    whole = (await grace.get(f"/runs/{run_id}/events")).text
    resumed = (await grace.get(f"/runs/{run_id}/events", headers={"Last-Event-ID": "98700"})).text

    assert _ids(whole) == list(range(streams.LINES_A_BATCH, LINES + 1, streams.LINES_A_BATCH))
    assert whole.count("log-text") == LINES
    assert resumed.count("log-text") == 1300
    assert ">line 98700<" not in resumed
    assert ">line 98701<" in resumed


async def test_it_is_downloaded_whole_as_text_and_as_json_lines(grace: httpx2.AsyncClient, run_id: str) -> None:
    text = await grace.get(f"/runs/{run_id}/log")
    lines = await grace.get(f"/runs/{run_id}/log.jsonl")

    assert text.text.count("\n") == LINES
    assert text.text.endswith(" apply: line 100000\n")
    assert "attachment" in lines.headers["content-disposition"]
    assert [json.loads(line)["seq"] for line in lines.text.splitlines()] == list(range(1, LINES + 1))


async def test_a_script_resumes_where_it_was(grace: httpx2.AsyncClient, run_id: str) -> None:
    rest = (await grace.get(f"/api/v1/runs/{run_id}/log", params={"after": LINES - 2})).text.splitlines()

    assert [json.loads(line)["message"] for line in rest] == ["line 99999", "line 100000"]


async def test_no_more_than_a_batch_is_read_at_a_time(app: FastAPI, run_id: str) -> None:
    async for lines in streams.log_batches(app.state.portal, run_id):
        assert len(lines) == streams.LINES_A_BATCH
        assert all(after.seq == before.seq + 1 for before, after in itertools.pairwise(lines))
