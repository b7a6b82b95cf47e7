"""Settings: what is wrong is a sentence that names the setting, and no secret is ever shown."""

import json
import os
from pathlib import Path

import pytest

from app import config
from app.errors import ConfigurationError
from tests.parts import make_settings

NEEDED = {
    "STATIONMASTER_OIDC_CLIENT_ID": "portal",
    "STATIONMASTER_OIDC_CLIENT_SECRET": "a-client-secret",
    "STATIONMASTER_GOOGLE_PROJECT": "test-project",
    "STATIONMASTER_ALLOWED_DOMAINS": "example.com",
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    for name, value in NEEDED.items():
        monkeypatch.setenv(name, value)
    for name in ("DATABASE_URL", "STATIONMASTER_DATABASE_URL", "STATIONMASTER_FIRST_ADMIN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("STATIONMASTER_DATA_DIR", str(tmp_path / "data"))
    return monkeypatch


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("STATIONMASTER_GOOGLE_PROJECT", "", "STATIONMASTER_GOOGLE_PROJECT is missing"),
        ("STATIONMASTER_SHARED_PARTS", "sql, mail", "there is no part mail"),
        ("STATIONMASTER_PORT", "99999", "STATIONMASTER_PORT is invalid"),
        ("STATIONMASTER_ENCRYPTION_KEYS", "short", "STATIONMASTER_ENCRYPTION_KEYS is invalid"),
        ("STATIONMASTER_ALLOWED_DOMAINS", "", "nobody could sign in"),
        ("STATIONMASTER_FIRST_ADMIN", "eve@elsewhere.test", "STATIONMASTER_FIRST_ADMIN"),
        ("STATIONMASTER_FIRST_ADMIN", "ada@example.com@example.com", "STATIONMASTER_FIRST_ADMIN is invalid"),
        ("STATIONMASTER_ALLOWED_EMAILS", "ada@example.com, @home", "'@home' is not an email address"),
        ("STATIONMASTER_ALLOWED_EMAILS", "\u212aarl@example.com", "ALLOWED_EMAILS is invalid"),
        ("STATIONMASTER_ALLOWED_DOMAINS", "ada@example.com", "'ada@example.com' is not a domain"),
        ("STATIONMASTER_ALLOWED_DOMAINS", "\uff45xample.com", "is not a domain"),
        ("DATABASE_URL", "mysql://somewhere/db", "DATABASE_URL is invalid: it must begin with postgresql://"),
    ],
)
def test_what_is_wrong_is_named(environment: pytest.MonkeyPatch, name: str, value: str, said: str) -> None:
    environment.setenv(name, value)
    with pytest.raises(ConfigurationError, match=said):
        config.load()


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_spelling_of_a_postgres_address_does(environment: pytest.MonkeyPatch, scheme: str) -> None:
    environment.setenv("DATABASE_URL", f"{scheme}://user@host/db")
    assert config.load().database_url == f"{scheme}://user@host/db"


def test_no_secret_is_shown_with_the_settings() -> None:
    settings = make_settings(database_url="postgresql://user:a-password@host/db")
    shown = repr(settings)
    for secret in ("a-password", "a-client-secret", *settings.encryption_keys):
        assert secret not in shown


def test_the_record_is_kept_in_a_folder_that_is_not_there_yet(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    config.record()
    file = tmp_path / "data" / config.RECORD
    assert json.loads(file.read_text())["STATIONMASTER_GOOGLE_PROJECT"] == "test-project"
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_command_in_another_terminal_goes_to_the_same_cloud(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    environment.setenv("GOOGLE_COMPUTE_CUSTOM_ENDPOINT", "http://cloud.test/")
    environment.setenv("TF_CLI_CONFIG_FILE", "/somewhere/terraformrc")
    config.record()
    environment.delenv("GOOGLE_COMPUTE_CUSTOM_ENDPOINT")
    environment.setenv("TF_CLI_CONFIG_FILE", "/my/own")
    config.use_recorded()
    assert os.environ["GOOGLE_COMPUTE_CUSTOM_ENDPOINT"] == "http://cloud.test/"
    assert os.environ["TF_CLI_CONFIG_FILE"] == "/my/own"
