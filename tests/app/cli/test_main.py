"""What a person can mend is a sentence, whichever command met it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from tests.database import fresh_database

SETTINGS = {
    "STATIONMASTER_GOOGLE_PROJECT": "test-project",
    "STATIONMASTER_OIDC_CLIENT_ID": "portal",
    "STATIONMASTER_OIDC_CLIENT_SECRET": "a-client-secret",
    "STATIONMASTER_ALLOWED_DOMAINS": "example.com",
    "STATIONMASTER_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
}


def run(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    passed = {name: value for name, value in os.environ.items() if not name.startswith(("STATIONMASTER_", "DATABASE"))}
    environment = {**passed, **SETTINGS, **settings}
    command = [sys.executable, "-m", "app", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("command", ["up", "worker"])
def test_a_data_folder_that_cannot_be_written_is_said(tmp_path: Path, command: str) -> None:
    (tmp_path / "file").touch()
    with fresh_database() as url:
        done = run(command, DATABASE_URL=url, STATIONMASTER_DATA_DIR=str(tmp_path / "file" / "data"))

    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert f"{tmp_path}/file" in done.stderr
    assert "cannot be used: Not a directory." in done.stderr


@pytest.mark.parametrize("command", [["token", "create", "ada@example.com"], ["migrate"]])
def test_a_database_that_does_not_answer_is_said(tmp_path: Path, command: list[str]) -> None:
    done = run(
        *command,
        DATABASE_URL="postgresql://portal:a-password@127.0.0.1:9/portal",
        STATIONMASTER_DATA_DIR=str(tmp_path),
    )

    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "The database does not answer." in done.stderr
    assert "a-password" not in done.stderr
