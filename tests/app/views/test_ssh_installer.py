"""The installers, run by real shells in an empty home and in homes that people have lived in."""

import os
import stat
import subprocess
import sys
import tarfile
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pytest

from app.services.keys.ssh_config import INCLUDE
from app.services.workstations.ssh_setups import SshFiles
from app.views import ssh_installer

SHELLS = [["dash"], ["bash"], ["bash", "--posix"], ["sh"]]
HOSTILE = 'it\'s $(touch broken) `touch broken` \\ "two"\n\tEOF\n'
FILES = SshFiles({"config": "Host dev-1\n", "known_hosts": HOSTILE, "laptop": "PRIVATE\n"}, ["dev-1"])


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "home of grace"
    home.mkdir()
    return home


def run(home: Path, script: str, shell: list[str] = SHELLS[0]) -> "subprocess.CompletedProcess[str]":
    """As the line does it: the script comes through a pipe, in a shell that lets others read new files."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(home)}
    return subprocess.run(
        [*shell], input=script, env=environment, cwd=home, umask=0o002, capture_output=True, text=True, check=False
    )


def installed(home: Path) -> dict[str, str]:
    return {file.name: file.read_text() for file in (home / ".ssh" / "stationmaster").iterdir()}


def modes(home: Path) -> set[str]:
    return {stat.filemode(path.stat().st_mode) for path in (home / ".ssh").rglob("*")}


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_an_empty_home_gets_everything_for_its_owner_alone(home: Path, shell: list[str]) -> None:
    for _ in range(2):
        done = run(home, ssh_installer.shell_script(FILES), shell)

        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == "SSH is set up. Connect with: ssh dev-1\n"
        assert installed(home) == FILES.texts
        assert modes(home) == {"drwx------", "-rw-------"}
        assert (home / ".ssh" / "config").read_text() == f"{INCLUDE}\n\n"
        assert [path.name for path in home.iterdir()] == [".ssh"]


@pytest.mark.parametrize(
    "before",
    [
        "Host other\n    User me\n",
        f"Host other\n    User me\n{INCLUDE}\n",
        f"# mine\nmatch=all\n{INCLUDE}\n",
        "Hostname x\nInclude ~/.ssh/other",
    ],
)
def test_the_line_is_put_above_what_would_limit_it(home: Path, before: str) -> None:
    config = home / ".ssh" / "config"
    config.parent.mkdir()
    config.write_text(before)
    for _ in range(2):
        assert run(home, ssh_installer.shell_script(FILES)).returncode == 0
        assert config.read_text() == f"{INCLUDE}\n\n{before}"


def test_a_line_that_holds_for_every_machine_is_left_where_it_is(home: Path) -> None:
    config = home / ".ssh" / "config"
    config.parent.mkdir()
    config.write_text(before := f"# mine\nServerAliveInterval 30\n{INCLUDE}\n\nHost other\n")

    assert run(home, ssh_installer.shell_script(FILES)).returncode == 0
    assert config.read_text() == before


def test_a_configuration_that_is_a_link_stays_one(home: Path) -> None:
    (home / "dotfiles").mkdir()
    (kept := home / "dotfiles" / "ssh").write_text("Host other\n")
    (home / ".ssh").mkdir()
    (home / ".ssh" / "config").symlink_to(kept)

    assert run(home, ssh_installer.shell_script(FILES)).returncode == 0
    assert (home / ".ssh" / "config").is_symlink()
    assert kept.read_text() == f"{INCLUDE}\n\nHost other\n"


def test_a_download_that_breaks_off_does_nothing(home: Path) -> None:
    script = ssh_installer.shell_script(FILES)
    for length in range(0, len(script) - len("main\n"), 7):
        run(home, script[:length])

    assert list(home.iterdir()) == []


def test_shellcheck_has_nothing_to_say_to_a_posix_script() -> None:
    shellcheck = Path(sys.executable).with_name("shellcheck")
    script = ssh_installer.shell_script(replace(FILES, texts={"config": "Host dev-1\n"}))
    done = subprocess.run([shellcheck, "-"], input=script, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_without_machines_it_says_so(home: Path) -> None:
    done = run(home, ssh_installer.shell_script(SshFiles({"config": "", "known_hosts": ""}, [])))

    assert done.stdout == "SSH is set up. No workstation is running yet.\n"
    assert installed(home) == {"config": "", "known_hosts": ""}


def test_the_archive_unpacks_to_the_right_place_for_its_owner_alone(home: Path) -> None:
    packed = ssh_installer.archive(FILES, datetime(2026, 3, 2, tzinfo=UTC))
    file = home / ssh_installer.ARCHIVE
    file.write_bytes(packed)
    subprocess.run(["tar", "-xzf", file, "-C", home], check=True, umask=0o002)

    assert installed(home) == FILES.texts
    assert modes(home) == {"drwx------", "-rw-------"}
    with tarfile.open(fileobj=BytesIO(packed)) as tar:
        assert {(entry.uid, entry.uname) for entry in tar} == {(0, "")}


def test_powershell_gets_texts_that_it_leaves_alone() -> None:
    files = SshFiles({"config": "it's ‘so’ $HOME\n", "known_hosts": ""}, ["dev-1"])
    script = ssh_installer.powershell_script(files)

    assert "  Put 'config' 'it''s ‘‘so’’ $HOME\n'\n" in script
    assert f"  $include = '{INCLUDE}'\n" in script
    assert script.rstrip().endswith("'SSH is set up. Connect with: ssh dev-1'\n}")


def test_the_commands_have_the_token_in_a_header() -> None:
    url = "https://portal.test"

    assert ssh_installer.shell_command(url, "stmsetup_x") == (
        'curl -fsS -H "Authorization: Bearer stmsetup_x" https://portal.test/ssh-setup.sh | sh'
    )
    assert ssh_installer.powershell_command(url, "stmsetup_x") == (
        'irm https://portal.test/ssh-setup.ps1 -Headers @{Authorization="Bearer stmsetup_x"} | iex'
    )
