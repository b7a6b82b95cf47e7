"""The data folder: of one `up` at a time, and of what it started for as long as any of that lives."""

import fcntl
import os
import time
from contextlib import suppress
from pathlib import Path

import structlog
from cryptography.fernet import Fernet

from app.errors import StartError

log = structlog.get_logger()
LOCK = "up.lock"
KEY = "encryption.key"
ENDING_SECONDS = 20.0
"""A web process or worker whose `up` was killed ends well within (`__main__._end_with_parent`)."""
LOOK_SECONDS = 0.2


def lock(folder: Path) -> int:
    """Lock the folder; the file descriptor holds the lock, and children that inherit it hold it, too.

    What an earlier `up` has left is given the time to end. Raises StartError where that lives on.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StartError(f"The data folder {folder} cannot be used: {error.strerror}.") from None
    deadline = time.monotonic() + ENDING_SECONDS
    is_said = False
    while not _is_ours(descriptor):
        holders = _holders(folder / LOCK)
        if _recorded(descriptor) in holders:
            raise StartError(
                f"Stationmaster is already running with the data in {folder} (process {_recorded(descriptor)}): stop "
                "it, or choose another folder (STATIONMASTER_DATA_DIR) and port."
            )
        told = ", ".join(map(str, sorted(holders))) or "of another user"
        if time.monotonic() > deadline:
            raise StartError(f"An earlier Stationmaster with the data in {folder} has not ended (processes {told}).")
        if not is_said:
            log.warning("an earlier start has not ended yet, waiting for it", data=str(folder), processes=told)
            is_said = True
        time.sleep(LOOK_SECONDS)
    os.pwrite(descriptor, f"{os.getpid():<10}\n".encode(), 0)
    return descriptor


def own_keys(folder: Path) -> str:
    """The encryption keys of an installation that was given none: made once, readable by its user alone."""
    file = folder / KEY
    if not file.exists():
        write_private(file, Fernet.generate_key().decode())
    return file.read_text()


def add_key(file: Path, key: str) -> None:
    """Put a key before those that are there."""
    write_private(file, f"{key},{file.read_text().strip()}")


def write_private(file: Path, content: str) -> None:
    """A whole file or none, readable by this user alone."""
    draft = file.with_name(f"{file.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as opened:
        opened.write(content)
        opened.flush()
        os.fsync(descriptor)
    draft.rename(file)


def _is_ours(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _recorded(descriptor: int) -> int:
    """The `up` that locked it last; 0 for none."""
    return int(os.pread(descriptor, 20, 0).strip() or b"0")


def _holders(file: Path) -> set[int]:
    """The other processes of this user that have the file open."""
    expected = file.stat()
    found = set()
    for opened in Path("/proc").glob("[0-9]*/fd/*"):
        with suppress(OSError):  # it has just been closed, or is not ours to see
            if os.path.samestat(opened.stat(), expected):
                found.add(int(opened.parts[2]))
    return found - {os.getpid()}
