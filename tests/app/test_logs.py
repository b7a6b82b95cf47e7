"""What comes from outside cannot steer the terminal of whoever reads the log, nor pass for lines of it."""

import subprocess
import sys

import pytest

PROGRAM = r"""
import logging
import structlog
from app import logs

logs.configure("{format}")
log = structlog.get_logger()
log.info("event\nforged", path="/\x1b[2Jx\r\nforged\u202e", count=1, names=["a\x1b"])
logging.getLogger("a.library").warning("foreign\x1b[0m\n%s", "forged\x07")
try:
    raise ValueError("bad\x1b[2J\nforged a line")
except ValueError:
    log.exception("broken")
"""


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_control_characters_are_never_raw(log_format: str) -> None:
    program = PROGRAM.replace("{format}", log_format)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True)

    assert done.stdout == ""
    assert [letter for letter in done.stderr if not letter.isprintable() and letter != "\n"] == []
    assert [line for line in done.stderr.split("\n") if line.startswith("forged")] == []
    assert r"/\x1b[2Jx\r\nforged\u202e" in done.stderr.replace("\\\\", "\\")
    assert "ValueError: bad" in done.stderr
