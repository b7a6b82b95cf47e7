"""`python -m emulator -- COMMAND`: how it starts, what COMMAND gets, and how everything ends."""

import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.emulator.world import until

# Writes down each signal it gets, then ends with 3.
PATIENT = """
import signal, sys, time
def note(number, frame):
    open(sys.argv[1], "a").write(signal.Signals(number).name + " ")
    if len(sys.argv) > 2: return
    raise SystemExit(3)
for number in (signal.SIGINT, signal.SIGTERM): signal.signal(number, note)
open(sys.argv[1], "a").write("ready ")
while True: time.sleep(60)
"""


def run(tmp_path: Path, *command: str, **env: str) -> "subprocess.CompletedProcess[str]":
    argv = [sys.executable, "-m", "emulator", "--", *command]
    return subprocess.run(
        argv, env=environment(tmp_path, **env), capture_output=True, text=True, timeout=60, check=False
    )


@contextmanager
def running(tmp_path: Path, *command: str, nohup: bool = False) -> "Iterator[subprocess.Popen[str]]":
    argv = [*(["nohup"] if nohup else []), sys.executable, "-m", "emulator", *(["--", *command] if command else [])]
    process = subprocess.Popen(
        argv, env=environment(tmp_path), stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def environment(tmp_path: Path, **env: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TF_", "GOOGLE_", "EMULATOR_"))}
    return {**kept, "EMULATOR_DATA_DIR": str(tmp_path / "data"), "EMULATOR_LATENCY": "0", **env}


def test_the_commands_exit_code_is_the_emulators(tmp_path: Path) -> None:
    assert run(tmp_path, "sh", "-c", "exit 7").returncode == 7
    assert run(tmp_path, "sh", "-c", "kill -9 $$").returncode == 128 + 9
    missing = run(tmp_path, "no-such-command")
    assert missing.returncode == 127
    assert "no-such-command cannot be run" in missing.stderr


def test_the_command_is_told_where_the_cloud_is(tmp_path: Path) -> None:
    given = {"STATIONMASTER_ALLOWED_DOMAINS": "mine.example", "TF_CLI_CONFIG_FILE": "/elsewhere"}
    printed = run(tmp_path, "env", **given).stdout
    environ = dict(line.split("=", 1) for line in printed.splitlines() if "=" in line)
    url = environ["STATIONMASTER_COMPUTE_ENDPOINT"]
    assert environ["STATIONMASTER_OIDC_ISSUER"] == environ["STATIONMASTER_SECRET_MANAGER_ENDPOINT"] == url
    assert environ["GOOGLE_COMPUTE_CUSTOM_ENDPOINT"] == f"{url}/compute/v1/"
    assert environ["STATIONMASTER_CLOUD_NOTICE"].startswith("The cloud is emulated")
    assert environ["STATIONMASTER_FIRST_ADMIN"] == "ada@example.com"
    assert environ["STATIONMASTER_ALLOWED_DOMAINS"] == "mine.example"
    # A leftover of another set-up must not lead a pretend apply to a real project.
    assert environ["TF_CLI_CONFIG_FILE"] == str(tmp_path / "data" / "terraform.rc")
    assert Path(environ["TF_CLI_CONFIG_FILE"]).is_file()


def test_port_and_client_stay_the_same_and_the_command_reaches_the_server_at_once(tmp_path: Path) -> None:
    fetch = "import os, urllib.request as u; print(u.urlopen(os.environ['STATIONMASTER_OIDC_ISSUER']).status)"
    script = f'echo $STATIONMASTER_OIDC_ISSUER $STATIONMASTER_OIDC_CLIENT_SECRET; exec {sys.executable} -c "{fetch}"'
    first, second = run(tmp_path, "sh", "-c", script), run(tmp_path, "sh", "-c", script)
    assert first.stdout == second.stdout
    assert first.stdout.splitlines()[1] == "200"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_reaches_the_command_exactly_once(tmp_path: Path, number: signal.Signals) -> None:
    notes = tmp_path / "notes"
    with running(tmp_path, sys.executable, "-c", PATIENT, str(notes)) as emulator:
        until(lambda: notes.exists() and "ready" in notes.read_text())
        # A terminal, and make after it, signal the whole group.
        os.killpg(emulator.pid, number)
        emulator.send_signal(number)
        assert emulator.wait(20) == 3
    assert notes.read_text() == f"ready {number.name} "


def test_under_nohup_a_closed_terminal_ends_nothing(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    with running(tmp_path, sys.executable, "-c", PATIENT, str(notes), nohup=True) as emulator:
        until(lambda: notes.exists() and "ready" in notes.read_text())
        assert emulator.stderr
        url = next(line for line in emulator.stderr if "runs at" in line).split()[-1]
        emulator.send_signal(signal.SIGHUP)
        # Once it answers, it has noticed. The first signal that counts is handed on: that is the next one.
        urllib.request.urlopen(f"{url}/.well-known/openid-configuration").close()
        emulator.send_signal(signal.SIGTERM)
        assert emulator.wait(20) == 3
    assert notes.read_text() == "ready SIGTERM "


def test_what_the_command_leaves_behind_is_ended(tmp_path: Path) -> None:
    notes = tmp_path / "pid"
    assert run(tmp_path, "sh", "-c", f"sleep 1000 & echo $! > {notes}").returncode == 0
    until(lambda: not Path(f"/proc/{notes.read_text().strip()}/exe").exists())


def test_without_a_command_it_serves_until_interrupted(tmp_path: Path) -> None:
    with running(tmp_path) as emulator:
        assert emulator.stderr is not None
        assert "An emulated Google Cloud runs at http://127.0.0.1:" in emulator.stderr.readline()
        emulator.send_signal(signal.SIGINT)
        assert emulator.wait(20) == 0


def test_two_emulators_do_not_share_one_folder(tmp_path: Path) -> None:
    with running(tmp_path) as emulator:
        assert emulator.stderr is not None
        emulator.stderr.readline()
        second = run(tmp_path, "true")
        assert second.returncode == 2
        assert "another emulator is running with the data in" in second.stderr
        emulator.send_signal(signal.SIGTERM)
        emulator.wait(20)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("EMULATOR_PORT", "eighty"),
        ("EMULATOR_PORT", "70000"),
        ("EMULATOR_LATENCY", "-1"),
        ("EMULATOR_LATENCY", "slow"),
        ("EMULATOR_URL", "emulator:80"),
        ("EMULATOR_FAULTS", "[1]"),
        ("EMULATOR_FAULTS", "meteorite"),
    ],
)
def test_a_senseless_setting_stops_the_start_with_a_sentence(tmp_path: Path, name: str, value: str) -> None:
    done = run(tmp_path, "true", **{name: value})
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert (name in done.stderr) or (value in done.stderr)


def test_a_data_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = run(tmp_path / "file", "true")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "cannot be used: Not a directory" in done.stderr


def test_faults_can_be_there_from_the_start(tmp_path: Path) -> None:
    done = run(
        tmp_path, "sh", "-c", "curl -s $STATIONMASTER_OIDC_ISSUER/_emulator/faults", EMULATOR_FAULTS="quota,slow"
    )
    assert '"preset":"quota"' in done.stdout
    assert '"preset":"slow"' in done.stdout
