"""The provider where Terraform looks for it: an unpacked filesystem mirror of launcher scripts."""

import importlib.util
import platform
import shlex
import sys
from pathlib import Path

from emulator.provider.facts_file import VERSIONS, Facts
from emulator.provider.schema_cache import schema_bytes

SOURCE = "registry.terraform.io/hashicorp/google"
DEPENDENCIES = ("grpc", "msgpack", "cryptography")
MACHINES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
REPOSITORY = Path(__file__).resolve().parents[2]


def write_mirror(directory: Path) -> Path:
    """Write the mirror and a `terraform.rc` that installs providers from nowhere else; returns the latter's path.

    What is written is the same each time as long as the interpreter and this checkout stay where they are: Terraform
    keeps a hash of the launcher in its lock files.
    """
    directory = directory.absolute()
    mirror, schemas = directory / "mirror", directory / "schemas"
    for version in VERSIONS:
        schema_bytes(Facts(version), schemas)
        _write(_package(mirror, version) / f"terraform-provider-google_v{version}", _launcher(version, schemas), 0o755)
    settings = directory / "terraform.rc"
    _write(
        settings, f'provider_installation {{\n  filesystem_mirror {{\n    path = "{_hcl(mirror)}"\n  }}\n}}\n', 0o644
    )
    return settings


def _package(mirror: Path, version: str) -> Path:
    machine = platform.machine().lower()
    return mirror / SOURCE / version / f"{platform.system().lower()}_{MACHINES.get(machine, machine)}"


def _launcher(version: str, schemas: Path) -> str:
    """A shell script, since a `#!` line can hold neither spaces nor long paths.

    Python starts without `site`, whose work would be wasted here, so the folders that it would find are named.
    """
    folders = [str(REPOSITORY), *_dependency_folders()]
    program = (
        f"import sys, types; sys.path[:0] = {folders!r}; "
        # grpc imports asyncio and its asynchronous half unasked, half of the start-up time. Nothing here uses them.
        "sys.modules['asyncio'] = types.ModuleType('asyncio'); "
        "sys.modules['grpc.aio'] = types.ModuleType('grpc.aio'); "
        f"from emulator.provider.server import main; main({version!r}, {str(schemas)!r})"
    )
    return f"#!/bin/sh\nexec {shlex.quote(sys.executable)} -I -S -c {shlex.quote(program)}\n"


def _dependency_folders() -> list[str]:
    folders = []
    for name in DEPENDENCIES:
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            raise ModuleNotFoundError(f"The emulated provider needs {name}", name=name)
        folders.append(str(Path(spec.origin).parent.parent))
    return list(dict.fromkeys(folders))


def _write(path: Path, content: str, mode: int) -> None:
    """Leave an equal file alone: Terraform may be running the one that is there ("text file busy")."""
    if path.is_file() and path.read_text() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.new")
    temporary.write_text(content)
    temporary.chmod(mode)
    temporary.replace(path)


def _hcl(path: Path) -> str:
    return str(path).replace("\\", "\\\\").replace('"', '\\"').replace("${", "$${").replace("%{", "%%{")
