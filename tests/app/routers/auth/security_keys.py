"""What has become of security keys, and of the sign-ins that they confirm."""

import httpx2
from fastapi import FastAPI
from sqlalchemy import select

from app.models import AuditEntry, SecurityKey

NEW = "/account/security-keys/new"


async def rows(app: FastAPI) -> list[SecurityKey]:
    """By name: the clock stands still, so that two may have been added at the same time."""
    async with app.state.portal.database.sessions() as session:
        return list(await session.scalars(select(SecurityKey).order_by(SecurityKey.name)))


async def audited(app: FastAPI) -> list[tuple[str, str, str]]:
    """What the audit has of security keys."""
    async with app.state.portal.database.sessions() as session:
        about = select(AuditEntry).where(AuditEntry.action.contains("security_key")).order_by(AuditEntry.number)
        return [(each.actor.partition("@")[0], each.action, each.thing_name) for each in await session.scalars(about)]


async def is_fresh(browser: httpx2.AsyncClient) -> bool:
    """Whether a token is made."""
    made = await browser.post("/account/tokens", data={"name": "CI"})
    assert made.headers["location"].startswith(("/sign-in?next=", "/account?form="))
    return str(made.headers["location"]).startswith("/account")
