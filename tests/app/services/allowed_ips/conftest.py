import pytest

from app.models import SharedStack
from tests.stage import By
from tests.steps import make_shared_stack


@pytest.fixture
async def stack(by: By) -> SharedStack:
    return await make_shared_stack(by())
