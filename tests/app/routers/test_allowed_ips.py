"""The pages of allowed IPs: a member's, and the admins'."""

import re
from collections.abc import AsyncIterator

import httpx2
import pytest
from fastapi import FastAPI
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from app.models import SharedStack
from app.services import runs
from tests.clients import refusal
from tests.stage import Stage

pytestmark = pytest.mark.anyio
PAGE, ADMIN = "/allowed-ips", "/admin/allowed-ips"
HOME = {"cidr": "203.0.113.7", "label": "home <1>", "lasts": "1 hour"}


@pytest.fixture
async def stack_id(stage: Stage) -> str:
    """The shared stack is there."""
    return await stage.make_shared_stack()


async def ask(browser: httpx2.AsyncClient, **fields: str) -> str:
    """Ask for an address through the form; returns its id."""
    before = ids(await browser.get(PAGE))
    answer = await browser.post(PAGE, data={**HOME, **fields})
    assert (answer.status_code, answer.headers.get("location")) == (303, f"{PAGE}?done=access_requested"), answer.text
    [new] = ids(await browser.get(PAGE)) - before
    return new


def ids(page: httpx2.Response) -> set[str]:
    return set(re.findall(r'id="ip-(\w+)"', page.text))


def text_of(page: httpx2.Response) -> str:
    """What is to be read."""
    return " ".join(re.sub(r"<[^>]+>", " ", page.text).split())


@pytest.fixture
async def visitor(app: FastAPI, grace: httpx2.AsyncClient) -> AsyncIterator[httpx2.AsyncClient]:
    """Grace, seen through a proxy at 10.0.0.1 that the portal trusts, as uvicorn runs it."""
    transport = httpx2.ASGITransport(app=ProxyHeadersMiddleware(app, "10.0.0.1"), client=("10.0.0.1", 1234))  # type: ignore[arg-type]  # the same protocol by another name
    async with httpx2.AsyncClient(transport=transport, base_url=str(grace.base_url), cookies=grace.cookies) as client:
        yield client


@pytest.fixture
async def liar(app: FastAPI, grace: httpx2.AsyncClient) -> AsyncIterator[httpx2.AsyncClient]:
    """The same from 198.51.100.66, which is no proxy of ours."""
    transport = httpx2.ASGITransport(app=ProxyHeadersMiddleware(app, "10.0.0.1"), client=("198.51.100.66", 1234))  # type: ignore[arg-type]  # the same protocol by another name
    async with httpx2.AsyncClient(transport=transport, base_url=str(grace.base_url), cookies=grace.cookies) as client:
        yield client


async def test_that_there_is_no_stack_or_no_mlflow_is_said_before_anybody_asks(
    stage: Stage, grace: httpx2.AsyncClient, ada: httpx2.AsyncClient
) -> None:
    assert "The shared stack is not deployed" in text_of(await ada.get(ADMIN))
    assert "There is no MLflow yet" in text_of(await grace.get(PAGE))
    stack_id = await stage.make_shared_stack()
    assert "There is no MLflow yet" in text_of(await ada.get(ADMIN))
    async with stage.database.sessions.begin() as session:
        (await session.get_one(SharedStack, stack_id)).become_ready({"mlflow_url": "https://mlflow"}, stage.clock())
    both = text_of(await grace.get(PAGE)) + text_of(await ada.get(ADMIN))
    assert ("no MLflow" in both, "not deployed" in both) == (False, False)


async def test_ones_address_is_taken_from_a_trusted_proxy_and_from_nobody_else(
    visitor: httpx2.AsyncClient, liar: httpx2.AsyncClient
) -> None:
    forwarded = {"X-Forwarded-For": "203.0.113.7"}

    assert "203.0.113.7 is not allowed." in text_of(await visitor.get(PAGE, headers=forwarded))
    assert "198.51.100.66 is not allowed." in text_of(await liar.get(PAGE, headers=forwarded))


async def test_one_click_asks_for_ones_own_address_even_if_it_is_private(
    grace: httpx2.AsyncClient, ada: httpx2.AsyncClient
) -> None:
    page = await grace.get(PAGE)
    assert "127.0.0.1 is not allowed." in text_of(page)
    form = page.text[page.text.index('<form method="post" action="/allowed-ips">') :]
    fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]+)"', form[: form.index("</form>")]))
    asked = await grace.post(PAGE, data=fields)

    assert asked.status_code == 303
    assert "127.0.0.1/32 (My IP): Requested" in text_of(await grace.get(PAGE))
    assert "127.0.0.1/32 is a loopback range" in text_of(await ada.get(ADMIN))


async def test_from_the_ask_to_the_end(
    stage: Stage, grace: httpx2.AsyncClient, ada: httpx2.AsyncClient, stack_id: str
) -> None:
    ip = await ask(grace)
    page = text_of(await ada.get(ADMIN))
    assert "home &lt;1&gt; 203.0.113.7/32" in page
    assert "Grace (grace@example.com)" in page

    approved = await ada.post(f"{ADMIN}/{ip}/approve", data={"lasts": "1 day"})
    assert (approved.status_code, approved.headers["location"]) == (303, f"{ADMIN}?done=request_approved")
    page = (await ada.get(ADMIN)).text
    assert "Updating the firewall" in page
    run_id = re.findall(r'href="/runs/(\w+)"', page)[0]
    assert (await ada.get(f"/runs/{run_id}")).status_code == 200
    assert "Adding" in text_of(await grace.get(PAGE))
    await stage.carry_out(await stage.pending(stack_id))
    page = text_of(await grace.get(PAGE))
    assert "Active" in page
    assert "until 3 Mar 2026, 09:30 UTC" in page

    removed = await ada.post(f"{ADMIN}/{ip}/remove")
    assert removed.status_code == 303
    assert "Removing" in text_of(await ada.get(ADMIN))
    await stage.carry_out(await stage.pending(stack_id))
    assert "1 expired, removed or denied" in text_of(await grace.get(PAGE))
    assert "No allowed addresses" in text_of(await ada.get(ADMIN))


async def test_the_time_is_as_asked_unless_the_admin_says_otherwise(
    grace: httpx2.AsyncClient, ada: httpx2.AsyncClient
) -> None:
    ip = await ask(grace)
    assert "As requested: until 2 Mar 2026, 10:30 UTC" in text_of(await ada.get(ADMIN))
    await ada.post(f"{ADMIN}/{ip}/approve")
    other = await ask(grace, cidr="2001:db8::7")
    await ada.post(f"{ADMIN}/{other}/approve", data={"lasts": "for ever"})
    page = text_of(await grace.get(PAGE))

    assert "203.0.113.7/32 until 2 Mar 2026, 10:30 UTC" in page
    assert "2001:db8::7/128 no expiry" in page


async def test_what_does_not_fit_is_said_at_its_field_with_what_was_typed_kept(grace: httpx2.AsyncClient) -> None:
    refused = await refusal(grace, PAGE, {"cidr": "0.0.0.0/0", "label": "all <of> us", "lasts": "1 day"})

    assert "0.0.0.0/0 allows everyone" in refused.text
    assert 'aria-invalid="true"' in refused.text
    assert "all &lt;of&gt; us" in refused.text
    assert '<option value="1 day" selected>' in refused.text
    await refusal(grace, PAGE, {**HOME, "lasts": "a while"})
    await refusal(grace, PAGE, {})
    assert ids(await grace.get(PAGE)) == set()


async def test_a_range_to_confirm_is_confirmed_by_a_box_that_then_appears(grace: httpx2.AsyncClient) -> None:
    assert 'name="confirm"' not in (await grace.get(PAGE)).text
    doubtful = await refusal(grace, PAGE, {**HOME, "cidr": "192.168.7.0/24"})
    assert "192.168.7.0/24 is private" in doubtful.text
    assert 'name="confirm"' in doubtful.text

    await ask(grace, cidr="192.168.7.0/24", confirm="yes")


async def test_an_admin_adds_for_somebody_else(
    grace: httpx2.AsyncClient, ada: httpx2.AsyncClient, stack_id: str
) -> None:
    office = {"cidr": "198.51.100.0/24", "label": "office", "lasts": "for ever"}
    nobody = await refusal(ada, ADMIN, {**office, "owner": "nobody@example.com"})
    assert "Nobody with this email address has signed in yet." in nobody.text

    added = await ada.post(ADMIN, data={**office, "owner": "Grace@example.com"})
    assert (added.status_code, added.headers["location"]) == (303, f"{ADMIN}?done=range_added")
    assert "office 198.51.100.0/24" in text_of(await grace.get(PAGE))


async def test_what_was_left_undone_is_tried_again(stage: Stage, ada: httpx2.AsyncClient, stack_id: str) -> None:
    await ask(ada)
    [ip] = ids(await ada.get(ADMIN))
    await ada.post(f"{ADMIN}/{ip}/approve")
    await stage.fail(await stage.pending(stack_id))
    page = await ada.get(ADMIN)
    assert "The firewall is out of date" in page.text
    assert "Not applied" in page.text

    again = await ada.post(f"{ADMIN}/apply")
    assert again.headers["location"] == f"/runs/{await stage.pending(stack_id)}"


async def test_a_decision_that_came_too_late_is_a_page(grace: httpx2.AsyncClient, ada: httpx2.AsyncClient) -> None:
    ip = await ask(grace)
    assert (await ada.post(f"{ADMIN}/{ip}/refuse")).status_code == 303
    late = await refusal(ada, f"{ADMIN}/{ip}/approve")

    assert "This request has already been decided." in late.text
    assert "Denied" in text_of(await grace.get(PAGE))


async def test_an_ask_is_taken_back(grace: httpx2.AsyncClient, ada: httpx2.AsyncClient) -> None:
    ip = await ask(grace)
    assert (await grace.post(f"{PAGE}/{ip}/remove")).status_code == 303
    assert "Asked for" not in (await ada.get(ADMIN)).text


async def test_members_decide_nothing_and_touch_only_what_is_theirs(
    app: FastAPI, grace: httpx2.AsyncClient, linus: httpx2.AsyncClient, client: httpx2.AsyncClient, stack_id: str
) -> None:
    ip = await ask(grace)
    assert ip not in (await linus.get(PAGE)).text
    for path in (f"{PAGE}/{ip}/remove", f"{ADMIN}/{ip}/approve", f"{ADMIN}/{ip}/refuse", f"{ADMIN}/{ip}/remove"):
        assert (await linus.post(path)).status_code == 404, path
    for path in (ADMIN, f"{ADMIN}/apply", f"{ADMIN}/{ip}/approve", f"{ADMIN}/{ip}/refuse", f"{ADMIN}/{ip}/remove"):
        assert (await grace.post(path)).status_code == 403, path
        assert (await client.post(path)).headers["location"].startswith("/sign-in?"), path
    assert (await grace.get(ADMIN)).status_code == 403
    assert (await client.get(PAGE)).status_code == 303
    assert "Requested" in text_of(await grace.get(PAGE))
    async with app.state.portal.database.sessions() as session:
        assert await runs.pending(session, stack_id) == []


async def test_htmx_gets_the_part_that_changes(grace: httpx2.AsyncClient, ada: httpx2.AsyncClient) -> None:
    for browser, path in ((grace, PAGE), (ada, ADMIN)):
        part = await browser.get(path, headers={"HX-Request": "true"})
        assert part.text.lstrip().startswith('<div id="allowed-ips"')
        assert "<form class" not in part.text


async def test_an_admin_finds_the_list_in_the_menu_and_others_do_not(
    ada: httpx2.AsyncClient, grace: httpx2.AsyncClient
) -> None:
    for page in ("/", PAGE):
        assert f'href="{ADMIN}"' in (await ada.get(page)).text
        assert ADMIN not in (await grace.get(page)).text
