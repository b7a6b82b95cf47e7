"""Another release: the code of an earlier commit, with the same tables."""

import io
import subprocess
import tarfile
from pathlib import Path

from tests.portal_process import ROOT

BEFORE = "HEAD~1"
MIGRATIONS = "migrations/versions"


def check_out(commit: str, folder: Path) -> tuple[Path, str]:
    """The folder of its code, and its name; our own where there is no such commit, or its tables are others."""
    code = _git("archive", commit)
    if code is None:
        return ROOT, "this release: there is no other one"
    with tarfile.open(fileobj=io.BytesIO(code)) as archive:
        archive.extractall(folder, filter="data")
    if _migrations(folder) != _migrations(ROOT):
        return ROOT, f"this release: {commit} has other tables"
    described = _git("log", "-1", "--format=release %h (%s)", commit) or b""
    return folder, described.decode().strip()


def _migrations(folder: Path) -> set[str]:
    return {file.name for file in (folder / MIGRATIONS).glob("[0-9]*.py")}


def _git(*arguments: str) -> bytes | None:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True)
    return done.stdout if done.returncode == 0 else None
