"""What `stationmaster up` refuses before it starts anything."""

import socket

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
