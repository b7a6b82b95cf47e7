"""What a machine knows of its SSH sessions: those that are open, and the last login."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from emulator.core.clock import utc_now


@contextmanager
def session(machine: Path, user: str) -> Iterator[Path]:
    """programs/logins.sh reads this: loginctl and who while the session lasts, journalctl from its beginning on.

    Yields the file to touch when somebody types.
    """
    name = uuid.uuid4().hex
    opened = machine / "run" / "sessions" / name
    opened.parent.mkdir(parents=True, exist_ok=True)
    opened.write_text(f"{name} 0 {user}\n")
    at = utc_now().isoformat(timespec="seconds").replace("+00:00", "+0000")
    (machine / "login").write_text(f"{at} {user} sshd[1]: Accepted publickey for {user}\n")
    try:
        yield opened
    finally:
        opened.unlink(missing_ok=True)
