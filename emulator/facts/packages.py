"""Where the bindings come from: a wheel, or the installed package, each with the JavaScript in an archive inside."""

import importlib.util
import io
import subprocess
import sys
import tarfile
import zipfile
from collections import defaultdict
from pathlib import Path

DISTRIBUTION = "cdktn-provider-google"
PACKAGE = "cdktn_provider_google"
RELEASES = ("20.2.0", "21.1.0")
"""Releases of the bindings, for google 7.45.0 and 8.7.0."""


class BindingsNotFoundError(Exception):
    """The bindings of the Google provider were not found."""


def download(release: str, directory: Path) -> Path:
    """Fetch one release's wheel through pip and return its path. Raises CalledProcessError when pip cannot."""
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    subprocess.run([*pip, "--dest", str(directory), f"{DISTRIBUTION}=={release}"], check=True)
    return next(directory.glob(f"{PACKAGE}-{release}-*.whl"))


def installed_archive() -> Path:
    """The archive inside the installed package, found without importing it (that would take seconds)."""
    spec = importlib.util.find_spec(PACKAGE)
    locations = list(spec.submodule_search_locations or ()) if spec else []
    for location in locations:
        for archive in Path(location).rglob("*.jsii.tgz"):
            return archive
    raise BindingsNotFoundError(f"{DISTRIBUTION} is not installed")


def sources(package: Path, folders: set[str]) -> dict[str, str]:
    """The JavaScript of each requested folder below `lib/`, joined. Accepts a wheel or an archive."""
    texts: dict[str, list[str]] = defaultdict(list)
    with _open(package) as archive:
        for member in archive:
            parts = member.name.split("/")
            if len(parts) >= 4 and parts[1] == "lib" and parts[2] in folders and member.name.endswith(".js"):
                file = archive.extractfile(member)
                if file:
                    texts[parts[2]].append(file.read().decode())
    return {folder: "\n".join(parts) for folder, parts in texts.items()}


def _open(package: Path) -> tarfile.TarFile:
    if package.suffix != ".whl":
        return tarfile.open(package)
    with zipfile.ZipFile(package) as wheel:
        for name in wheel.namelist():
            if name.endswith(".jsii.tgz"):
                return tarfile.open(fileobj=io.BytesIO(wheel.read(name)))
    raise BindingsNotFoundError(f"{package} holds no archive of bindings")
