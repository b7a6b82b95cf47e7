"""Files of the pages: small on the line, kept by browsers, and never an old one for a new page."""

import re

import httpx2
import pytest

from app import static_files

pytestmark = pytest.mark.anyio


async def test_a_page_names_versions_that_are_kept_for_a_year(client: httpx2.AsyncClient) -> None:
    page = (await client.get("/sign-in")).text
    files = re.findall(r'(?:href|src)="(/static/[^"]+)"', page)

    assert len(files) >= 6
    for file in files:
        answer = await client.get(file)
        assert (answer.status_code, answer.headers["cache-control"]) == (200, static_files.FOR_A_YEAR), file


async def test_a_first_visit_is_small(client: httpx2.AsyncClient) -> None:
    page = await client.get("/sign-in")
    total = len(page.content)
    for file in re.findall(r'(?:href|src)="(/static/[^"]+)"', page.text):
        async with client.stream("GET", file, headers={"Accept-Encoding": "gzip"}) as answer:
            total += sum([len(chunk) async for chunk in answer.aiter_raw()])

    assert total < 60_000, f"{total} bytes: `make .venv/.ready` makes a style sheet of the rules that pages use"


@pytest.mark.parametrize("query", ["", "?v=", "?v=0123456789ab", "?w=1"])
async def test_another_version_is_not_kept(client: httpx2.AsyncClient, query: str) -> None:
    assert (await client.get(f"/static/app.css{query}")).headers["cache-control"] == "no-cache"


async def test_what_is_not_there_is_not_found(client: httpx2.AsyncClient) -> None:
    for path in ("nothing.css", "../main.py", "%2e%2e/main.py"):
        assert (await client.get(f"/static/{path}?v=1")).status_code == 404
