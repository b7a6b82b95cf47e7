"""The data folder. It is locked by one `up` and its children at a time."""

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
"""Longer than a web process or worker runs after its `up` was killed (`__main__._end_with_parent`)."""
POLL_SECONDS = 0.2


def lock(folder: Path) -> int:
    """Lock the folder; returns the file descriptor that holds the lock, also for children that inherit it.

    Waits for processes of an earlier `up` to end. Raises StartError if they do not.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StartError(f"The data folder {folder} cannot be used: {error.strerror}.") from None
    deadline = time.monotonic() + ENDING_SECONDS
    is_logged = False
    while not _is_ours(descriptor):
        holders = _holders(folder / LOCK)
        # The `up` itself is alive, and not just processes that are ending.
        if _recorded(descriptor) in holders:
            raise StartError(
                f"Stationmaster is already running with the data in {folder} (process {_recorded(descriptor)}). Stop "
                "it, or choose another folder (STATIONMASTER_DATA_DIR) and port."
            )
        others = ", ".join(map(str, sorted(holders))) or "of another user"
        if time.monotonic() > deadline:
            raise StartError(f"An earlier Stationmaster with the data in {folder} has not ended (processes {others}).")
        if not is_logged:
            log.warning("an earlier start has not ended yet, waiting for it", data=str(folder), processes=others)
            is_logged = True
        time.sleep(POLL_SECONDS)
    os.pwrite(descriptor, f"{os.getpid():<10}\n".encode(), 0)
    return descriptor


def own_keys(folder: Path) -> str:
    """The encryption keys of an installation without configured keys. They are generated once."""
    file = folder / KEY
    if not file.exists():
        write_private(file, Fernet.generate_key().decode())
    return file.read_text()


def add_key(file: Path, key: str) -> None:
    """Add a key before the existing ones."""
    write_private(file, f"{key},{file.read_text().strip()}")


def write_private(file: Path, content: str) -> None:
    """Write a file that only this user can read. An incomplete file is never left under its name."""
    draft = file.with_name(f"{file.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as opened:
        opened.write(content)
        opened.flush()
        # Losing a key in a power failure would make the database unreadable.
        os.fsync(descriptor)
    # Renaming is atomic: readers see the old file or the new one.
    draft.rename(file)


def _is_ours(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _recorded(descriptor: int) -> int:
    """The process ID of the `up` that locked it last; 0 if there was none."""
    return int(os.pread(descriptor, 20, 0).strip() or b"0")


def _holders(file: Path) -> set[int]:
    """The other processes of this user that have the file open."""
    expected = file.stat()
    found = set()
    for opened in Path("/proc").glob("[0-9]*/fd/*"):
        with suppress(OSError):  # closed meanwhile, or of another user
            if os.path.samestat(opened.stat(), expected):
                found.add(int(opened.parts[2]))
    return found - {os.getpid()}
