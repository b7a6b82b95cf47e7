"""A script: somebody who comes with a token."""

from collections.abc import AsyncIterator

import httpx2
import pytest
from fastapi import FastAPI

from tests.clients import script_of


@pytest.fixture
async def script(app: FastAPI) -> AsyncIterator[httpx2.AsyncClient]:
    """Grace's."""
    async with await script_of(app, "grace") as client:
        yield client
