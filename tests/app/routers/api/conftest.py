"""A script: somebody who comes with a token."""

from collections.abc import AsyncIterator

import httpx2
import pytest
from fastapi import FastAPI

from app.services.people import api_tokens, members
from tests.clients import client_of
from tests.parts import identity


async def script_of(app: FastAPI, name: str) -> httpx2.AsyncClient:
    """A script with a token of `name`@example.com."""
    portal = app.state.portal
    async with portal.database.sessions.begin() as session:
        member = await members.sign_in(portal.context(session), identity(name))
        token = (await api_tokens.create(portal.context(session, member), "CI")).plain
    return client_of(app, Authorization=f"Bearer {token}")


@pytest.fixture
async def script(app: FastAPI) -> AsyncIterator[httpx2.AsyncClient]:
    """Grace's."""
    async with await script_of(app, "grace") as client:
        yield client
