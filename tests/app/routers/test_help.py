"""The pages of help, and the ways to them."""

import re

import httpx2
import pytest

from app.routers.help_pages import TOPICS
from tests.clients import create, run_of
from tests.stage import Stage

pytestmark = pytest.mark.anyio


async def test_each_topic_has_a_page_and_links_only_to_pages_that_exist(grace: httpx2.AsyncClient) -> None:
    index = (await grace.get("/help")).text
    assert set(re.findall(r'href="/help/([\w-]+)"', index)) == TOPICS.keys()
    for topic, title in TOPICS.items():
        page = await grace.get(f"/help/{topic}")
        assert (page.status_code, f"<h1>{title}</h1>" in page.text) == (200, True)
        for path in set(re.findall(r'href="(/(?:help|ssh-keys|workstations)[^"?]*)"', page.text)):
            assert (await grace.get(path)).status_code == 200
    assert (await grace.get("/help/nothing")).status_code == 404


async def test_help_is_linked_from_where_it_helps(stage: Stage, grace: httpx2.AsyncClient) -> None:
    machine_id = await create(grace, machine_type="g2-standard-8")
    await stage.carry_out(await run_of(grace, machine_id))
    pages = {
        f"/workstations/{machine_id}": {"ssh", "vs-code", "gpu", "host-key", "disk"},
        "/workstations/new": {"spot"},
    }
    for path, topics in pages.items():
        page = (await grace.get(path)).text
        assert set(re.findall(r'href="/help/([\w-]+)"', page)) == topics
        assert 'href="/help"' in page
