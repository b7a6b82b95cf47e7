"""Warnings before a shell's prompt, and what the agent writes for them."""

import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from tests.terraform.machine import MODULE, Machine

SOON = "office-hours-20260302T1800-30 Stationmaster stops this machine at 19:00 CET."
SOONER = "office-hours-20260302T1800-10 Stationmaster stops this machine at 19:00 CET, soon."


def shell(machine: Machine, lines: str, *options: str) -> str:
    """What a shell shows that reads the files which the startup script has written."""
    read = f"for file in {machine.folder}/bash.bashrc {machine.folder}/profile.d/*.sh; do . $file; done\n"
    command = ["bash", "--noprofile", "--norc", *options]
    environment = {"PATH": "/usr/bin:/bin", "PS1": "$ "}
    done = subprocess.run(command, input=read + lines, env=environment, capture_output=True, text=True, check=False)
    return done.stdout


def test_a_warning_is_shown_once_in_each_shell_before_a_prompt(machine: Machine) -> None:
    machine.boot()
    warnings = machine.folder / "run/warnings"
    warnings.write_text(f"{SOON}\n")
    more = f"true\necho '{SOONER}' >>{warnings}\nfalse\necho status $?\n"
    for _ in range(2):
        warnings.write_text(f"{SOON}\n")
        shown = shell(machine, more, "-i")
        assert [shown.count(f"\n{each.partition(' ')[2]}\n\n") for each in (SOON, SOONER)] == [1, 1]
        assert "status 1" in shown


def test_shells_that_nobody_types_in_and_other_ones_say_nothing(machine: Machine) -> None:
    machine.boot()
    (machine.folder / "run/warnings").write_text(f"{SOON}\n")
    assert shell(machine, "true\n") == ""
    part = machine.folder / "profile.d/stationmaster.sh"
    assert subprocess.run(["sh", "-e", part], capture_output=True, check=True).stdout == b""


def test_each_boot_leaves_one_line_and_the_persons_own_prompt_command(machine: Machine) -> None:
    machine.boot()
    once = (machine.folder / "bash.bashrc").read_text()
    machine.restart()
    assert (machine.folder / "bash.bashrc").read_text() == once
    assert once.startswith("# Debian's\n")
    own = "PROMPT_COMMAND='echo mine'\n"
    (machine.folder / "bash.bashrc").write_text(own + once)
    assert "mine" in shell(machine, "true\n", "-i")


def test_an_image_without_these_files_boots_all_the_same(machine: Machine) -> None:
    (machine.folder / "bash.bashrc").unlink()
    (machine.folder / "profile.d").rmdir()
    machine.attach_disk("ext4 of-grace")
    assert machine.boot()[0] == 0


@pytest.fixture
def notices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The agent's part, where `wall` writes into a file."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/wall").write_text(f"#!/bin/sh\ncat >>{tmp_path}/walled\n")
    (tmp_path / "bin/wall").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    monkeypatch.syspath_prepend(str(MODULE))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    module = importlib.import_module("agent_notices")
    monkeypatch.setattr(module, "FOLDER", tmp_path)
    yield module
    for part in ("agent_notices", "agent_readings"):
        sys.modules.pop(part)


def answer(*warnings: tuple[str, str], banner: tuple[str, ...] = ()) -> str:
    return json.dumps({"warnings": [{"id": id_, "text": text} for id_, text in warnings], "banner": banner})


def test_the_agent_tells_all_terminals_once(notices: ModuleType, tmp_path: Path) -> None:
    for _ in range(3):
        notices.show(answer(("idle-1", "It stops."), banner=("It costs $1.",)))
    assert (tmp_path / "walled").read_text() == "It stops.\n"
    assert (tmp_path / "warnings").read_text() == "idle-1 It stops.\n"
    assert (tmp_path / "banner").read_text() == "It costs $1.\n"
    notices.show(answer(("idle-1", "It stops."), ("idle-2", "It stops soon.")))
    notices.show(answer())
    assert (tmp_path / "walled").read_text() == "It stops.\nIt stops soon.\n"
    assert (tmp_path / "warnings").read_text() == ""


def test_what_would_steer_a_terminal_is_left_out(notices: ModuleType, tmp_path: Path) -> None:
    notices.show(answer(("i d\n1", "It \x1b[2Jstops.\nNow.\u202e")))
    assert (tmp_path / "walled").read_text() == "It [2Jstops.Now.\n"
    assert (tmp_path / "warnings").read_text() == "id1 It [2Jstops.Now.\n"


def test_the_banner_says_what_the_portal_adds(machine: Machine) -> None:
    machine.boot()
    (machine.folder / "run/banner").write_text("This machine costs $0.85 an hour while it runs.\n")
    assert machine.log_in().endswith("\nThis machine costs $0.85 an hour while it runs.\n")
