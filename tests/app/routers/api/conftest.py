"""A script: somebody who comes with a token; and a machine, which comes with Google's."""

from collections.abc import AsyncIterator, Iterator

import httpx2
import pytest
from fastapi import FastAPI

from app.services.workstations.observations import Sighting
from tests.app.openid_provider import OpenIdServer, openid_server
from tests.app.routers.api.posting import NUMBER, Machine, forget_posts
from tests.clients import script_of
from tests.stage import Stage


@pytest.fixture
async def script(app: FastAPI) -> AsyncIterator[httpx2.AsyncClient]:
    """Grace's."""
    async with await script_of(app, "grace") as client:
        yield client


@pytest.fixture
def google() -> Iterator[OpenIdServer]:
    with openid_server() as provider:
        yield provider


@pytest.fixture
async def machine(app: FastAPI, stage: Stage, google: OpenIdServer, client: httpx2.AsyncClient) -> Machine:
    """Grace's, which runs and is known from Google's list."""
    forget_posts(app, google)
    machine = Machine(stage, google, client, await stage.make())
    await machine.seen(Sighting("RUNNING", stage.clock(), google_id=NUMBER))
    return machine
