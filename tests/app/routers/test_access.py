"""Every route against every kind of person: who gets through, and how the others are refused, changing nothing."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import async_sessionmaker

from app.live import Hub
from app.models import ApiToken, Member, SignIn
from app.services.shared import shared_stack
from tests.app.routers.access import ROWS, Access
from tests.app.services.shared.infrastructure_samples import EVERYTHING
from tests.clients import client_of, create, run_of, script_of, signed_in
from tests.database import dump
from tests.stage import Stage

pytestmark = pytest.mark.anyio
SIGN_IN, REFUSED, ABSENT, THROUGH = "sign in", "refused", "absent", "through"
OUT = ("nobody", "bad token", "revoked token", "ended sign-in", "expired sign-in", "no longer allowed")
PEOPLE = (*OUT, "other", "other's token", "owner", "owner's token", "stale owner", "admin", "admin's token", "forged")


def _rows() -> dict[tuple[str, str], Access]:
    """By method and path."""
    return {
        (method, path): access
        for access, lines in ROWS.items()
        for *methods, path in (line.split() for line in lines.strip().splitlines())
        for method in methods
    }


TABLE = _rows()
BY_BROWSER = {Access.BROWSER, Access.BROWSER_ALONE, Access.FRESH_BROWSER, Access.FRESH_BROWSER_ALONE}
FRESH = {Access.FRESH_ALONE, Access.FRESH_BROWSER, Access.FRESH_BROWSER_ALONE}
ALONE = {Access.OWN_ALONE, Access.BROWSER_ALONE, Access.FRESH_ALONE, Access.FRESH_BROWSER_ALONE}
OWN = {Access.OWN, Access.DECIDED, *ALONE}
LACKING = {
    ("GET", "/auth/start"): 503,
    ("GET", "/readyz"): 503,
    ("POST", "/admin/iam/remove"): 404,
    ("DELETE", "/api/v1/iam-admins/{principal}"): 404,
}
"""This world has no provider, no worker and no IAM admins, which only those who get through are told."""


def _expected(access: Access, who: str, method: str) -> str:
    if who == "forged" and method != "GET":
        return REFUSED
    if access in {Access.PUBLIC, Access.GREETED}:
        is_told = access is Access.GREETED and who in {"bad token", "revoked token"}
        return SIGN_IN if is_told else THROUGH
    if who in OUT or _must_sign_in(access, who):
        return SIGN_IN
    person = who.partition("'")[0].removeprefix("stale ")
    if person == "admin":
        return ABSENT if access in ALONE else THROUGH
    if person == "other" and access in OWN:
        return ABSENT
    return REFUSED if access in {Access.ADMIN, Access.DECIDED} else THROUGH


def _must_sign_in(access: Access, who: str) -> bool:
    return (access in BY_BROWSER and who.endswith("token")) or (access in FRESH and who == "stale owner")


def _seen(answer: httpx2.Response) -> str:
    if answer.status_code == 401 or answer.headers.get("location", "").startswith("/sign-in?next="):
        return SIGN_IN
    return {403: REFUSED, 404: ABSENT}.get(answer.status_code, THROUGH if answer.status_code < 500 else "broken")


def test_every_route_has_its_row_and_every_row_its_route(app_of_process: FastAPI) -> None:
    contexts = iter_route_contexts(app_of_process.router.routes)
    routes = {(method, str(route.path)) for route in contexts for method in route.methods or () if method != "HEAD"}

    assert routes == set(TABLE)


@dataclass
class World:
    """Things of Grace's, and people who come for them."""

    app: FastAPI
    ids: dict[str, str]
    people: dict[str, httpx2.AsyncClient]

    async def ask(self, who: str, method: str, path: str) -> httpx2.Response:
        """As this person, with nothing in the form."""
        return await self.people[who].request(method, path.format(**self.ids))


@pytest.fixture
async def world(app: FastAPI, stage: Stage) -> AsyncIterator[World]:
    people = {"nobody": client_of(app), "bad token": client_of(app, Authorization="Bearer stm_x")}
    people["expired sign-in"] = await signed_in(app, "grace")
    stage.clock.advance(days=6, hours=23, minutes=40)
    people["stale owner"] = await signed_in(app, "grace")
    stage.clock.advance(minutes=20)
    # Seen before the others sign in: a row that is written later counts as a later one (_of).
    assert (await people["stale owner"].get("/api/v1/runs")).status_code == 200
    for who, name in {"owner": "grace", "other": "linus", "admin": "ada"}.items():
        people[who], people[f"{who}'s token"] = await signed_in(app, name), await script_of(app, name)
    ended, people["revoked token"] = await signed_in(app, "grace"), await script_of(app, "grace")
    people["ended sign-in"], people["no longer allowed"] = ended, await signed_in(app, "eve")
    people["forged"] = client_of(app, **{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.test"})
    people["forged"].cookies = people["owner"].cookies
    yield World(app, await _things(stage, app, people), people)
    for client in people.values():
        await client.aclose()


async def _things(stage: Stage, app: FastAPI, people: dict[str, httpx2.AsyncClient]) -> dict[str, str]:
    """By the word that stands for each in paths."""
    owner, script = people["owner"], people["owner's token"]
    ids = {
        "workstation_id": await create(owner),
        "principal": "user:linus@example.com",
        "key": "mlflow-member",
    }
    ids["run_id"] = await run_of(owner, ids["workstation_id"])
    await stage.carry_out(ids["run_id"])
    ids["key_id"] = (await script.post("/api/v1/ssh-keys/generate", json={"name": "pair"})).json()["id"]
    asked = {"cidr": "203.0.113.7", "label": "office"}
    ids["allowed_ip_id"] = (await script.post("/api/v1/allowed-ips", json=asked)).json()["id"]
    for who in ("other's token", "admin's token", "revoked token"):
        assert (await people[who].get("/api/v1/runs")).status_code == 200, who
    return {**ids, **await _rows_of(app)}


async def _rows_of(app: FastAPI) -> dict[str, str]:
    """What no form is for: a shared stack that is there, and sign-ins and tokens that are over."""
    portal = app.state.portal
    async with portal.database.sessions.begin() as session:
        (await shared_stack.find(portal.context(session))).become_ready(EVERYTHING, portal.clock())
        grace, linus, eve = [
            await session.scalar(select(Member).where(Member.email == f"{name}@example.com"))
            for name in ("grace", "linus", "eve")
        ]
        eve.email = "eve@elsewhere.test"
        tokens = list(await session.scalars(_of(ApiToken, grace)))
        *_, opened, ended = await session.scalars(_of(SignIn, grace))
        tokens[1].revoke(portal.clock())
        ended.revoke(portal.clock())
        return {"member_id": linus.id, "token_id": tokens[0].id, "sign_in_id": opened.id}


def _of(kind: type[ApiToken] | type[SignIn], member: Member) -> Any:
    """Theirs, in the order in which they were made."""
    return select(kind).where(kind.member_id == member.id).order_by(text("xmin::text::bigint"), kind.created_at)


@asynccontextmanager
async def _undone(app: FastAPI) -> AsyncIterator[None]:
    """What happens meanwhile is undone, and streams end at once."""
    portal = app.state.portal
    async with portal.database.engine.connect() as connection:
        transaction = await connection.begin()
        sessions = async_sessionmaker(connection, expire_on_commit=False, join_transaction_mode="create_savepoint")
        hub = Hub(portal.database)
        hub.close()
        app.state.portal = replace(portal, database=replace(portal.database, sessions=sessions), hub=hub)
        yield
        app.state.portal = portal
        await transaction.rollback()


async def test_whoever_may_not_is_refused_and_changes_nothing(world: World, database_url: str) -> None:
    before = dump(database_url)
    wrong = []
    for (method, path), access in TABLE.items():
        for who in PEOPLE:
            expected = _expected(access, who, method)
            if expected == THROUGH:
                continue
            seen = _seen(await world.ask(who, method, path))
            if seen != expected:
                wrong.append(f"{who}: {method} {path}: {seen}, not {expected}")

    assert not wrong, "\n".join(wrong)
    assert dump(database_url) == before


async def test_whoever_may_gets_through(world: World) -> None:
    wrong = []
    for (method, path), access in TABLE.items():
        for who in PEOPLE:
            if _expected(access, who, method) != THROUGH:
                continue
            async with _undone(world.app):
                answer = await world.ask(who, method, path)
            lacking = LACKING.get((method, path))
            if answer.status_code != lacking if lacking else _seen(answer) != THROUGH:
                wrong.append(f"{who}: {method} {path}: {answer.status_code}")

    assert not wrong, "\n".join(wrong)
