"""The stage has the worker's settings, and everything is asked for in the worker."""

from collections.abc import Iterator

import pytest

from app import origin
from app.config import Settings


@pytest.fixture(autouse=True)
def origin_of_test() -> Iterator[None]:
    with origin.bound(origin.WORKER):
        yield


@pytest.fixture
def settings(worker_settings: Settings) -> Settings:
    return worker_settings
