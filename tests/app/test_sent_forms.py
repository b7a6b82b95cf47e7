"""Refused forms: shown again with what was typed, to whoever sent them, and to nobody else."""

import re
from urllib.parse import unquote

import httpx2
import pytest
from fastapi import FastAPI

from app.deps import cookie_name
from app.sent_forms import KEPT_FOR
from tests.clients import refusal, script_of, signed_in

pytestmark = pytest.mark.anyio
NEW = "/workstations/new"
TYPED = {"name": "<my machine>", "machine_type": "g2-standard-8", "disk_size_gb": "333"}


async def test_a_refused_form_comes_back_however_often_its_page_is_loaded(grace: httpx2.AsyncClient) -> None:
    page = await refusal(grace, "/workstations", TYPED)
    again = await grace.get(str(page.url))

    for shown in (page, again):
        assert "&lt;my machine&gt;" in shown.text
        assert 'value="333"' in shown.text
        assert '<a href="#name">' in shown.text
        assert "<title>Error: New workstation" in shown.text
    assert "my machine" not in (await grace.get(NEW)).text


async def test_a_button_that_is_refused_says_why_on_its_page(ada: httpx2.AsyncClient) -> None:
    page = await refusal(ada, "/admin/shared-stack/destroy")

    assert "The shared stack is not deployed" in page.text


async def test_a_refused_form_is_shown_to_nobody_else_and_on_no_other_page(
    app: FastAPI, grace: httpx2.AsyncClient, linus: httpx2.AsyncClient
) -> None:
    page = await refusal(grace, "/workstations", TYPED)
    for name, value in grace.cookies.items():
        if name.startswith("stationmaster-form"):
            linus.cookies.set(name, value)

    assert "my machine" not in (await linus.get(str(page.url))).text
    assert "my machine" not in (await grace.get(f"/allowed-ips?{page.url.query.decode()}")).text


@pytest.mark.parametrize("cookie", ["", "nonsense", "gAAAAAB"])
async def test_a_made_up_cookie_is_no_form(grace: httpx2.AsyncClient, cookie: str) -> None:
    grace.cookies.set("stationmaster-form-1", cookie)

    page = await grace.get(f"{NEW}?form=1")

    assert page.status_code == 200
    assert 'role="alert"' not in page.text


async def test_what_was_typed_cannot_be_read_from_the_cookie_and_is_kept_for_half_an_hour(
    grace: httpx2.AsyncClient,
) -> None:
    answer = await grace.post("/workstations", data=TYPED)

    cookie = answer.headers["set-cookie"]
    assert "machine" not in cookie.partition(";")[0]
    assert "httponly" in cookie.lower()
    assert f"max-age={int(KEPT_FOR.total_seconds())}" in cookie.lower()


async def test_a_private_key_that_was_pasted_does_not_come_back(grace: httpx2.AsyncClient) -> None:
    key = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjE\n-----END OPENSSH PRIVATE KEY-----"

    page = await refusal(grace, "/ssh-keys", {"name": "laptop", "public_key": key})

    assert "b3BlbnNzaC1rZXktdjE" not in page.text
    assert 'value="laptop"' in page.text


async def test_what_is_too_long_for_a_cookie_is_left_out(grace: httpx2.AsyncClient) -> None:
    page = await refusal(grace, "/ssh-keys", {"name": "laptop", "public_key": "x" * 5000})

    assert 'value="laptop"' in page.text
    assert "xxxxx" not in page.text


async def test_a_program_gets_the_error_itself(app: FastAPI) -> None:
    async with await script_of(app, "grace") as script:
        answer = await script.post("/workstations", data=TYPED)

    assert answer.status_code == 422


async def test_a_form_that_was_sent_after_the_session_had_ended_comes_back_after_the_sign_in(
    app: FastAPI, grace: httpx2.AsyncClient
) -> None:
    session = cookie_name(app.state.portal.settings)
    del grace.cookies[session]
    answer = await grace.post("/workstations", data={**TYPED, "name": "mine"})
    then = unquote(re.sub(r".*next=", "", answer.headers["location"]))
    assert answer.headers["location"].startswith("/sign-in?")

    async with await signed_in(app, "grace") as again:
        grace.cookies.set(session, again.cookies[session])
    page = await grace.get(then)

    assert 'value="mine"' in page.text
    assert 'value="333"' in page.text
    assert 'role="alert"' not in page.text


async def test_what_is_no_form_is_refused_with_a_page(grace: httpx2.AsyncClient) -> None:
    answer = await grace.post("/workstations", content=b"--", headers={"content-type": "multipart/form-data"})

    assert answer.status_code == 400
