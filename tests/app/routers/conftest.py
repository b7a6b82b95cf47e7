"""What tests over all routes share."""

from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI

from tests.app.routers.world import World, with_people
from tests.stage import Stage


@pytest.fixture
async def world(app: FastAPI, stage: Stage) -> AsyncIterator[World]:
    async with with_people(app, stage) as world:
        yield world
