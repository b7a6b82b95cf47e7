"""A world's own PostgreSQL, which can be killed, hang, and fail over."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import psycopg
from psycopg.rows import dict_row

from app import migrate
from app.cli import embedded_postgres
from app.cli.embedded_postgres import EmbeddedPostgres
from tests.chaos import processes
from tests.database import SETTINGS

ANSWERS_AGAIN_WITHIN_S = 60.0
STOP_S = 5.0
ONE_AT_A_TIME = threading.Lock()
"""Alembic keeps what it works on in globals."""


class Database:
    """The server, and the harness's own connection to it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        nothing = os.open(os.devnull, os.O_RDONLY)
        self._server: EmbeddedPostgres = embedded_postgres.prepare(folder, nothing)
        with (self._server.folder / "postgresql.auto.conf").open("a") as settings:
            # What was committed outlives the death of all processes, as it does in production.
            kept = SETTINGS | {"synchronous_commit": "on"}
            settings.writelines(f"{name} = {value}\n" for name, value in kept.items())
        # The kernel ends the server with the thread that started it.
        self._starter = ThreadPoolExecutor(1)
        self._lock = threading.Lock()
        self._connection: psycopg.Connection[dict[str, Any]] | None = None
        self._frozen: list[int] = []

    @property
    def url(self) -> str:
        return self._server.url

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self._starter.submit(self._server.start).result()

    def migrate(self) -> None:
        """Bring a new one to this release's tables."""
        with ONE_AT_A_TIME:
            migrate.upgrade(self.url)

    def kill(self) -> None:
        """kill -9 of all of it."""
        self._frozen = []
        for pid in self._pids():
            processes.kill(pid)
        if self._server.child.process:
            self._server.child.process.wait()

    def end(self) -> None:
        """Cut all connections, and take no new one until `start`."""
        self._server.stop(STOP_S)

    def hang(self) -> None:
        """It stands still, with all its connections, until `resume`."""
        self._frozen = self._pids()
        processes.freeze(self._frozen)

    def resume(self) -> None:
        """It goes on."""
        processes.resume(self._frozen)
        self._frozen = []

    def rows(self, query: str, *parameters: object) -> list[dict[str, Any]]:
        """What it answers, once it does: it may be away for a while."""
        found: list[dict[str, Any]] = []

        def is_answered() -> bool:
            nonlocal found
            try:
                found = self._connected().execute(query.encode(), parameters).fetchall()
            except psycopg.OperationalError:
                return False
            return True

        with self._lock:
            if not processes.until(is_answered, ANSWERS_AGAIN_WITHIN_S, every=0.2):
                raise RuntimeError("the database is not back")
        return found

    def stop(self) -> None:
        """For good."""
        self.resume()
        if self._connection:
            self._connection.close()
        self.end()
        self._starter.shutdown()

    def _connected(self) -> "psycopg.Connection[dict[str, Any]]":
        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(self.url, autocommit=True, row_factory=dict_row)
        return self._connection

    def _pids(self) -> list[int]:
        """The server's own process first: nothing new is forked then."""
        process = self._server.child.process
        if process is None:
            return []
        try:
            children = psutil.Process(process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []
        return [process.pid, *(child.pid for child in children)]
