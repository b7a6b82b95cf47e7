"""A disk of a host's own, small enough to fill: a tmpfs, where we may mount one."""

import ctypes
import os
from pathlib import Path

BYTES = 256 * 1024 * 1024
BALLAST = "ballast"
CHUNK = b"\0" * (1024 * 1024)
CLONE_NEWNS, MS_REC, MS_PRIVATE, MNT_DETACH = 0x20000, 0x4000, 1 << 18, 2
_LIBC = ctypes.CDLL(None, use_errno=True)


def keep_mounts_to_ourselves() -> None:
    """What we and our children mount from now on nobody else sees, and it is gone when we are. For root."""
    if os.geteuid() == 0:
        _LIBC.unshare(CLONE_NEWNS)
        _LIBC.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None)


def mount(folder: Path) -> bool:
    """Give the folder a disk of its own; returns whether we may."""
    size = f"size={BYTES},mode=755".encode()
    return bool(_LIBC.mount(b"tmpfs", os.fsencode(folder), b"tmpfs", 0, size) == 0)


def unmount(folder: Path) -> None:
    """Whoever has a file open there keeps it."""
    _LIBC.umount2(os.fsencode(folder), MNT_DETACH)


def fill(folder: Path) -> bool:
    """Take all space that is left; returns whether there is a disk to be filled."""
    if not folder.is_mount():
        return False
    with (folder / BALLAST).open("ab", buffering=0) as ballast:
        for chunk in (CHUNK, b"\0"):
            try:
                while ballast.write(chunk):
                    pass
            except OSError:
                continue  # full; smaller pieces may still go in
    return True


def free(folder: Path) -> None:
    """Give the space back."""
    (folder / BALLAST).unlink(missing_ok=True)
