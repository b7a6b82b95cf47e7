"""`stationmaster doctor` against the emulated Google: what it prints, and its exit code."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from cryptography.fernet import Fernet
from typer.testing import CliRunner, Result

from app import clock
from app.__main__ import cli
from app.db import Database
from app.models import Worker
from app.services.terraform import state_versions
from app.worker.claim import Tools
from tests.app.worker.scripted import Script, provisioned
from tests.database import fresh_database
from tests.emulator_process import EmulatorProcess, start_emulator
from tests.stage import Stage

pytestmark = pytest.mark.xdist_group("emulated-doctor")
WELL = {"billing": True, "apis_off": [], "denied": [], "quotas": {}}
STATIONMASTER = Path(sys.executable).with_name("stationmaster")


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatorProcess]:
    emulator = start_emulator(tmp_path_factory.mktemp("cloud"))
    yield emulator
    emulator.stop()


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of all these tests: Terraform is initialised once."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture
def told(
    emulator: EmulatorProcess, data_dir: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[EmulatorProcess]:
    """The environment in which the command is run: an installation where all is well."""
    ours = ("STATIONMASTER_", "GOOGLE_", "TF_", "CLOUDSDK_")
    for name in [name for name in os.environ if name.startswith(ours)]:
        monkeypatch.delenv(name)
    for name, value in emulator.env.items():
        if name.startswith(ours):
            monkeypatch.setenv(name, value)
    monkeypatch.setenv("STATIONMASTER_DATA_DIR", str(data_dir))
    monkeypatch.setenv("STATIONMASTER_ENCRYPTION_KEYS", Fernet.generate_key().decode())
    monkeypatch.setenv("DATABASE_URL", database_url)
    # The command logs to the terminal that it has; a test's is gone when the next one logs.
    monkeypatch.setattr("app.logs.configure", lambda _: None)
    yield emulator
    emulator.call("PATCH", "/_emulator/project", WELL)


def doctor() -> Result:
    return CliRunner().invoke(cli, ["doctor"])


def test_where_all_is_well_it_says_so_and_ends_with_zero(told: EmulatorProcess) -> None:
    done = subprocess.run([STATIONMASTER, "doctor"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert ", 0 warning, 0 missing." in done.stdout
    assert "\x1b[" not in done.stdout, "colours are for terminals"
    lines = done.stdout.splitlines()
    column = lines[0].index("Complete and consistent")
    starts = {(line[column - 2 : column], line[column] == " ") for line in lines if line.startswith("ok")}
    assert starts == {("  ", False)}
    for name in ("Google's Terraform provider", "API compute.googleapis.com", "Quota GPUS_ALL_REGIONS"):
        assert [line for line in lines if name in line]


def test_what_is_missing_comes_with_its_command_and_ends_with_one(told: EmulatorProcess) -> None:
    change = {
        "billing": False,
        "apis_off": ["compute.googleapis.com"],
        "denied": ["compute.disks.create"],
        "quotas": {"GPUS_ALL_REGIONS": 0},
    }
    told.call("PATCH", "/_emulator/project", change)
    result = doctor()
    assert result.exit_code == 1
    for command in (
        "gcloud billing projects link pocket-project --billing-account=",
        "gcloud services enable compute.googleapis.com --project=pocket-project",
        "gcloud projects add-iam-policy-binding pocket-project --member=serviceAccount:WORKER_SERVICE_ACCOUNT "
        "--role=roles/compute.admin",
        "gcloud beta quotas preferences create --service=compute.googleapis.com --project=pocket-project "
        "--quota-id=GPUS-ALL-REGIONS-per-project",
    ):
        assert f"\n            {command}" in result.output
    assert " required permissions missing: compute.disks.create." in result.output
    assert ", 1 warning, 3 missing." in result.output


def test_a_google_that_does_not_answer_is_missing(told: EmulatorProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("COMPUTE", "GOOGLE", "SECRET_MANAGER"):
        monkeypatch.setenv(f"STATIONMASTER_{name}_ENDPOINT", "http://127.0.0.1:9")
    result = doctor()
    assert result.exit_code == 1
    assert result.output.count("Google returned an error: ") == 5
    assert "Traceback" not in result.output


def test_missing_settings_are_named_and_nothing_else_is_looked_at(
    told: EmulatorProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("STATIONMASTER_GOOGLE_PROJECT")
    result = doctor()
    assert result.exit_code == 1
    assert "The setting STATIONMASTER_GOOGLE_PROJECT is missing" in result.output
    assert "0 ok, 0 warning, 1 missing." in result.output


def test_before_the_first_up_there_is_no_database_and_no_key(
    told: EmulatorProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATABASE_URL")
    monkeypatch.delenv("STATIONMASTER_ENCRYPTION_KEYS")
    result = doctor()
    assert result.exit_code == 0, result.output
    assert '"stationmaster up" starts its own' in result.output
    assert "Not checked" in result.output


def test_a_database_that_does_not_answer_or_has_no_tables_is_missing(
    told: EmulatorProcess, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"postgresql:///nothing?host={tmp_path}")
    assert "Not reachable: " in doctor().output
    with fresh_database() as url:
        with psycopg.connect(url) as connection:
            connection.execute("UPDATE alembic_version SET version_num = '0001'")
        monkeypatch.setenv("DATABASE_URL", url)
        assert "stationmaster migrate\n" in doctor().output


def test_a_terraform_that_is_not_there_is_named(told: EmulatorProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATIONMASTER_TERRAFORM", "/nowhere/terraform")
    result = doctor()
    assert result.exit_code == 1
    assert "/nowhere/terraform, which was not found" in result.output


@pytest.mark.anyio
async def test_keys_that_do_not_open_the_newest_state_are_wrong(
    told: EmulatorProcess, tools: Tools, script: Script, database: Database
) -> None:
    await provisioned(tools, script)
    async with database.sessions() as session:
        assert await state_versions.newest_opens(session, tools.vault)
    result = await asyncio.to_thread(doctor)
    assert result.exit_code == 1
    assert "The newest state cannot be decrypted" in result.output


@pytest.mark.anyio
async def test_once_somebody_has_signed_in_it_says_what_does_not_run(told: EmulatorProcess, stage: Stage) -> None:
    async with stage.acting("grace"):
        pass
    stopped = await asyncio.to_thread(doctor)
    assert ("No worker is running." in stopped.output, stopped.exit_code) == (True, 1)
    for found in ("None has failed or was deleted at Google.", "None was found by the last checks.", "No search yet"):
        assert found in stopped.output

    async with stage.database.sessions.begin() as session:
        now = clock.utc_now()
        session.add(Worker(host="host-1", pid=7, started_at=now, seen_at=now))
    running = await asyncio.to_thread(doctor)
    assert ("1 worker running." in running.output, running.exit_code) == (True, 0)
