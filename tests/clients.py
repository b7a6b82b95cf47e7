"""Browsers and scripts that talk to the portal, and what people do with them."""

import re
from collections.abc import Mapping
from typing import Any

import httpx2
from fastapi import FastAPI

from app.deps import cookie_name
from app.models import Scope
from app.services.people import api_tokens, members, sign_ins
from tests.parts import identity


def client_of(app: FastAPI, **headers: str) -> httpx2.AsyncClient:
    """A browser (or a script) that talks to this portal."""
    return httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=app), base_url=app.state.portal.settings.public_url, headers=headers
    )


async def signed_in(app: FastAPI, name: str) -> httpx2.AsyncClient:
    """A browser in which `name`@example.com is signed in."""
    portal = app.state.portal
    async with portal.database.sessions.begin() as session:
        ctx = portal.context(session)
        member = await members.sign_in(ctx, identity(name))
        sign_in = await sign_ins.start(
            ctx.acting(member), address="127.0.0.1", user_agent="a test", confirmed_at=ctx.now
        )
    client = client_of(app)
    client.cookies.set(cookie_name(portal.settings), sign_in.secret)
    return client


async def token_of(app: FastAPI, name: str, scope: Scope | None = None) -> str:
    """An API token of `name`@example.com, for all that they may do where no scope is given."""
    portal = app.state.portal
    async with portal.database.sessions.begin() as session:
        ctx = portal.context(session)
        member = await members.sign_in(ctx, identity(name))
        return (await api_tokens.create(ctx.acting(member), "CI", scope or Scope.of(member)[-1])).plain


async def script_of(app: FastAPI, name: str, scope: Scope | None = None) -> httpx2.AsyncClient:
    """A script with a token of `name`@example.com."""
    return client_of(app, Authorization=f"Bearer {await token_of(app, name, scope)}")


async def create(browser: httpx2.AsyncClient, **fields: str) -> str:
    """Ask for a workstation through the form; returns its id."""
    response = await browser.post("/workstations", data={"name": "dev-1", "machine_type": "e2-standard-4", **fields})
    assert response.status_code == 303, response.text
    return str(response.headers["location"]).rpartition("/")[2]


async def run_of(browser: httpx2.AsyncClient, workstation_id: str) -> str:
    """The id of the newest run, as the workstation's page links to it."""
    page = await browser.get(f"/workstations/{workstation_id}")
    return str(re.findall(r"/runs/(\w+)", page.text)[0])


async def run_from(
    browser: httpx2.AsyncClient, workstation_id: str, action: str, data: Mapping[str, Any] | None = None
) -> str:
    """Ask for something on a workstation's page, to which that leads back; returns the id of its new run."""
    path = f"/workstations/{workstation_id}"
    before = await _runs_on(browser, path)
    answer = await browser.post(f"{path}/{action}", data=data)
    assert (answer.status_code, answer.headers["location"]) == (303, path)
    [new] = await _runs_on(browser, path) - before
    return new


async def _runs_on(browser: httpx2.AsyncClient, path: str) -> set[str]:
    return set(re.findall(r"/runs/(\w+)", (await browser.get(path)).text))


async def restore(browser: httpx2.AsyncClient, workstation_id: str) -> str:
    """Ask for the same machine once more; returns the run's id."""
    return await run_from(browser, workstation_id, "restore")


async def shown(browser: httpx2.AsyncClient, path: str) -> str:
    """A page's text without tags, on one line."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", (await browser.get(path)).text))


async def create_token(browser: httpx2.AsyncClient, **fields: str) -> str:
    """Create an API token through the form; returns it, as the page that follows shows it."""
    made = await browser.post("/account/tokens", data={"name": "CI", **fields})
    page = await browser.get(made.headers["location"])
    [token] = set(re.findall(r"stm_[\w-]{43}", page.text))
    return str(token)


async def refusal(browser: httpx2.AsyncClient, path: str, data: Mapping[str, Any] | None = None) -> httpx2.Response:
    """The page that shows a form again which was sent to `path` and is refused."""
    answer = await browser.post(path, data=data)
    assert answer.status_code == 303, answer.text
    page = await browser.get(answer.headers["location"])
    assert 'role="alert"' in page.text
    return page
