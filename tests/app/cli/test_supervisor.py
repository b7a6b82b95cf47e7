"""What `stationmaster up` refuses before it starts anything, and the database that it starts."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from app.cli.supervisor import Supervisor
from app.errors import StartError
from tests.app.conftest import make_settings


def test_a_port_that_is_taken_is_said_before_anything_starts() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        supervisor = Supervisor(make_settings(port=other.getsockname()[1]))
        with pytest.raises(StartError, match="Another one may be running there"):
            supervisor.run()
        assert supervisor.children == []


def test_the_embedded_database_starts_without_a_word(tmp_path: Path) -> None:
    code = "import pathlib, sys; from app.cli.supervisor import EmbeddedPostgres;"
    code += "EmbeddedPostgres(pathlib.Path(sys.argv[1])).stop()"
    environment = {name: value for name, value in os.environ.items() if name != "XDG_RUNTIME_DIR"}
    started = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], env=environment, capture_output=True, text=True, check=True
    )
    assert started.stdout + started.stderr == ""
