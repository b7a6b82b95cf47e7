"""Free space, and how a full disk shows itself."""

import errno
import re
import shutil
from collections.abc import Iterable
from pathlib import Path

_FULL = {errno.ENOSPC, errno.EDQUOT}
_SAYS_FULL = re.compile(r"no space left on device|disk quota exceeded", re.IGNORECASE)
_NOTHING_LEFT = 64 * 1024
"""Bytes: with less than this no program gets anything done."""


def is_full(error: OSError) -> bool:
    """Whether this is what a write gets where there is no space."""
    return error.errno in _FULL


def reports_full_disk(text: str) -> bool:
    """Whether another program complains of it."""
    return bool(_SAYS_FULL.search(text))


def free_bytes(folder: Path) -> int:
    """What we may still write there; of a folder that does not exist yet, where it would be."""
    existing = next(path for path in (folder, *folder.resolve().parents) if path.exists())
    return shutil.disk_usage(existing).free


def least_free(folders: Iterable[Path]) -> Path:
    """The one with the least space left."""
    return min(folders, key=free_bytes)


def any_is_full(folders: Iterable[Path]) -> bool:
    """Whether one of them has nothing left."""
    return any(free_bytes(folder) < _NOTHING_LEFT for folder in folders)


def shortage(folders: Iterable[Path]) -> str:
    """The sentence that names the folder and what is free there."""
    folder = least_free(folders)
    return f"The disk is full: {folder} has {free_bytes(folder) / 1e6:.1f} MB left."
