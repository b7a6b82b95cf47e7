"""A browser of a portal whose sign-ins go to a strict provider of OpenID Connect."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import httpx2
import pytest
from fastapi import FastAPI
from sqlalchemy import func, select

from app.config import Settings
from app.infra.oidc import OpenIdProvider
from app.models import Member
from tests.app.openid_provider import OpenIdServer, openid_server
from tests.clients import client_of
from tests.parts import make_settings

COOKIE = "stationmaster"


@pytest.fixture
def provider() -> Iterator[OpenIdServer]:
    with openid_server() as provider:
        yield provider


@pytest.fixture
async def portal(app: FastAPI, provider: OpenIdServer) -> FastAPI:
    use(app, make_settings(oidc_issuer=provider.issuer))
    return app


@pytest.fixture
async def browser(portal: FastAPI) -> AsyncIterator[httpx2.AsyncClient]:
    async with client_of(portal) as client:
        yield client


def use(app: FastAPI, settings: Settings) -> None:
    """Let the portal sign people in by other settings."""
    app.state.portal = replace(app.state.portal, settings=settings, openid=OpenIdProvider(settings))


async def people(portal: FastAPI) -> int:
    """How many members there are."""
    async with portal.state.portal.database.sessions() as session:
        return await session.scalar(select(func.count(Member.id))) or 0
