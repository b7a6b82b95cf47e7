"""Paths that lead nowhere."""

import httpx2
import pytest

pytestmark = pytest.mark.anyio
MENU = 'aria-label="Main"'


@pytest.mark.parametrize("path", ["/nowhere", "/workstations/nosuch", "/workstations/a/b/c"])
async def test_who_is_signed_in_keeps_the_menu(grace: httpx2.AsyncClient, path: str) -> None:
    answer = await grace.get(path)
    assert (answer.status_code, MENU in answer.text) == (404, True)
    assert "Page not found" in answer.text or "Workstation not found" in answer.text
    assert "/admin/members" not in answer.text


async def test_an_admin_keeps_the_admins_menu(ada: httpx2.AsyncClient) -> None:
    assert "/admin/members" in (await ada.get("/nowhere")).text


async def test_nobody_sees_the_page_without_it(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/nowhere")
    assert (answer.status_code, MENU in answer.text) == (404, False)


async def test_the_api_answers_with_json(grace: httpx2.AsyncClient) -> None:
    answer = await grace.get("/api/v1/nowhere")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")
