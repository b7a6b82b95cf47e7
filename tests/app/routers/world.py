"""Things of Grace's in a portal, and every kind of person who comes for them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import httpx2
from fastapi import FastAPI
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncConnection, async_sessionmaker

from app.live import Hub
from app.models import ApiToken, Member, Scope, SecurityKey, SignIn
from app.services.shared import shared_stack
from tests.app.routers.access import ROWS, Access
from tests.app.services.shared.infrastructure_samples import EVERYTHING
from tests.clients import client_of, create, run_of, script_of, signed_in
from tests.stage import Stage


def _rows() -> dict[tuple[str, str], Access]:
    """By method and path."""
    return {
        (method, path): access
        for access, lines in ROWS.items()
        for *methods, path in (line.split() for line in lines.strip().splitlines())
        for method in methods
    }


TABLE = _rows()
WEAK = {"owner's read token": Scope.READ, "admin's read token": Scope.READ, "admin's machines token": Scope.MACHINES}
"""Tokens that may do less than their members."""


@dataclass
class World:
    """Things of Grace's, and people who come for them."""

    app: FastAPI
    ids: dict[str, str]
    people: dict[str, httpx2.AsyncClient]

    async def ask(self, who: str, method: str, path: str) -> httpx2.Response:
        """As this person, with nothing in the form."""
        return await self.people[who].request(method, path.format(**self.ids))


@asynccontextmanager
async def with_people(app: FastAPI, stage: Stage) -> AsyncIterator[World]:
    """Whoever comes, from nobody to the admin, with sign-ins and tokens of all ages."""
    people = {"nobody": client_of(app), "bad token": client_of(app, Authorization="Bearer stm_x")}
    people["expired token"] = await script_of(app, "grace")
    stage.clock.advance(days=90)
    people["expired sign-in"] = await signed_in(app, "grace")
    stage.clock.advance(days=6, hours=23, minutes=40)
    people["stale owner"] = await signed_in(app, "grace")
    stage.clock.advance(minutes=20)
    # Seen before the others sign in: a row that is written later counts as a later one (_of).
    assert (await people["stale owner"].get("/api/v1/runs")).status_code == 200
    for who, name in {"owner": "grace", "other": "linus", "admin": "ada"}.items():
        people[who], people[f"{who}'s token"] = await signed_in(app, name), await script_of(app, name)
    for who, scope in WEAK.items():
        people[who] = await script_of(app, "ada" if who.startswith("admin") else "grace", scope)
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
        "name": "dev-1-nosuch",
        "key": "mlflow-member",
    }
    ids["run_id"] = await run_of(owner, ids["workstation_id"])
    await stage.carry_out(ids["run_id"])
    ids["key_id"] = (await script.post("/api/v1/ssh-keys/generate", json={"name": "pair"})).json()["id"]
    bulk = {"verb": "stop", "workstation_id": [ids["workstation_id"]]}
    made = await people["admin"].post("/admin/workstations/actions", data=bulk)
    ids["action_id"] = made.headers["location"].rpartition("/")[2]
    asked = {"cidr": "203.0.113.7", "label": "office"}
    ids["allowed_ip_id"] = (await script.post("/api/v1/allowed-ips", json=asked)).json()["id"]
    for who in (*WEAK, "other's token", "admin's token", "revoked token"):
        assert (await people[who].get("/api/v1/runs")).status_code == 200, who
    ids["snapshot_id"] = (await stage.snapshot(ids["workstation_id"])).id
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
        _, token, *_, revoked = await session.scalars(_of(ApiToken, grace))
        *_, opened, ended = await session.scalars(_of(SignIn, grace))
        revoked.revoke(portal.clock())
        ended.revoke(portal.clock())
        key = SecurityKey(
            member_id=grace.id,
            name="blue",
            domain="portal.test",
            credential_id=b"1",
            public_key=b"2",
            sign_count=0,
            transports=["usb"],
            added_at=portal.clock(),
        )
        session.add(key)
        await session.flush()
        ids = {"member_id": linus.id, "token_id": token.id, "sign_in_id": opened.id}
        return {**ids, "security_key_id": key.id}


def _of(kind: type[ApiToken] | type[SignIn], member: Member) -> Any:
    """Theirs, in the order in which they were made."""
    return select(kind).where(kind.member_id == member.id).order_by(text("xmin::text::bigint"), kind.created_at)


@asynccontextmanager
async def undone(app: FastAPI) -> AsyncIterator[AsyncConnection]:
    """What happens meanwhile is undone, and streams end at once; yields the connection that sees it."""
    portal = app.state.portal
    async with portal.database.engine.connect() as connection:
        transaction = await connection.begin()
        sessions = async_sessionmaker(connection, expire_on_commit=False, join_transaction_mode="create_savepoint")
        hub = Hub(portal.database)
        hub.close()
        app.state.portal = replace(portal, database=replace(portal.database, sessions=sessions), hub=hub)
        yield connection
        app.state.portal = portal
        await transaction.rollback()
