"""Whom services are asked by: members of the portal, in the test's session."""

import pytest

from app.models import Member
from app.services.people import members
from tests.parts import identity
from tests.stage import By


@pytest.fixture
async def ada(by: By) -> Member:
    """The admin."""
    return await members.sign_in(by(), identity("ada"))


@pytest.fixture
async def grace(by: By) -> Member:
    return await members.sign_in(by(), identity("grace"))


@pytest.fixture
async def linus(by: By) -> Member:
    return await members.sign_in(by(), identity("linus"))
