"""What `stationmaster up` refuses before it starts anything, and the database that it starts."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from app.cli.supervisor import check_port
from app.errors import StartError


def test_a_port_that_is_taken_is_said() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(StartError, match="Another program may be using it"):
            check_port("127.0.0.1", other.getsockname()[1])


START = """
import pathlib, sys
from app.cli import data_folder, embedded_postgres
folder = pathlib.Path(sys.argv[1])
server = embedded_postgres.prepare(folder, data_folder.lock(folder))
server.start()
server.stop(10)
"""


def test_the_embedded_database_starts_without_a_word(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "XDG_RUNTIME_DIR"}
    command = [sys.executable, "-c", START, str(tmp_path)]
    started = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert started.stdout + started.stderr == ""
