"""Whether a server answers, asked of a real one on a port of this computer."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from app.infra import mlflow

pytestmark = pytest.mark.anyio


class Answering(BaseHTTPRequestHandler):
    """Answers with the status that is the first part of the path."""

    def do_GET(self) -> None:
        _, status, rest = self.path.split("/")
        assert rest == "health"
        if status == "hang-up":
            return
        self.send_response(int(status))
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def address() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Answering)
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    serving.join()
    server.server_close()


@pytest.mark.parametrize(("status", "expected"), [(200, True), (401, True), (404, True), (500, False), (503, False)])
async def test_a_server_answers_unless_it_says_that_it_is_broken(address: str, status: int, expected: bool) -> None:
    assert await mlflow.answers(f"{address}/{status}/") is expected


async def test_nobody_there_is_no_answer() -> None:
    assert await mlflow.answers("http://127.0.0.1:9") is False


async def test_who_is_not_let_in_does_not_know(address: str) -> None:
    assert await mlflow.answers(f"{address}/hang-up") is None
