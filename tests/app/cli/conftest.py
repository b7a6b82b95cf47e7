"""Commands say themselves that they are some, so nothing here does it for them."""

import pytest


@pytest.fixture(autouse=True)
def origin_of_test() -> None:
    """None: see the one of all other tests."""
