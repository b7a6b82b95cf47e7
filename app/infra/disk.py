"""Free disk space, and errors of full disks."""

import errno
import re
import shutil
from collections.abc import Iterable
from pathlib import Path

_FULL = {errno.ENOSPC, errno.EDQUOT}
_SAYS_FULL = re.compile(r"no space left on device|disk quota exceeded", re.IGNORECASE)
_NOTHING_LEFT = 64 * 1024
"""Free bytes below which a folder counts as full."""


def is_full(error: OSError) -> bool:
    """Whether an operating system error means that the disk is full."""
    return error.errno in _FULL


def reports_full_disk(text: str) -> bool:
    """Whether another program's output says that the disk is full."""
    return bool(_SAYS_FULL.search(text))


def free_bytes(folder: Path) -> int:
    """Free bytes in a folder; for one that does not exist yet, in its nearest existing parent."""
    # The folder may not have been created yet.
    existing = next(path for path in (folder, *folder.resolve().parents) if path.exists())
    return shutil.disk_usage(existing).free


def least_free(folders: Iterable[Path]) -> Path:
    """The folder with the least free space."""
    return min(folders, key=free_bytes)


def any_is_full(folders: Iterable[Path]) -> bool:
    """Whether one of the folders has no space left."""
    return any(free_bytes(folder) < _NOTHING_LEFT for folder in folders)


def shortage(folders: Iterable[Path]) -> str:
    """A sentence with the fullest folder and its free space."""
    folder = least_free(folders)
    return f"The disk is full: {folder} has {free_bytes(folder) / 1e6:.1f} MB left."
