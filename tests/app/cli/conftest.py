"""Commands say themselves that they are some, so nothing here does it for them."""

import pytest
from cryptography.fernet import Fernet

from tests.app.test_config import NEEDED


@pytest.fixture(autouse=True)
def origin_of_test() -> None:
    """None: see the one of all other tests."""


@pytest.fixture
def portal(monkeypatch: pytest.MonkeyPatch, database_url: str) -> str:
    """The URL of its database."""
    key = Fernet.generate_key().decode()
    for name, value in {**NEEDED, "DATABASE_URL": database_url, "STATIONMASTER_ENCRYPTION_KEYS": key}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("app.logs.configure", lambda _: None)
    return database_url
