"""A run's folder: a link to the initialised root, and beside it what belongs to this run alone.

    RUN/modules -> ROOT/modules
    RUN/work/   the working folder: links to the root's files; its own variables, state, plan and step files

Terraform's temporary files are elsewhere: its plugins' sockets need a path shorter than about 100 characters, which
the data folder's is not everywhere.

Links, not copies: `terraform init` has been done in the root, and no run repeats it.
"""

import json
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from app.config import Settings
from app.infra.process import WATCHED, Step
from app.models.base import short_id
from app.services.terraform.state_versions import State


def host_id(data_dir: Path) -> str:
    """The id of this data folder, made once. Workers that share it share the run folders in it."""
    file = data_dir / "worker" / "host"
    file.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        draft = file.with_name(f"host.{os.getpid()}")
        draft.write_text(short_id(10))
        try:
            os.link(draft, file)
        finally:
            draft.unlink()
    return file.read_text()


def folders(settings: Settings) -> tuple[Path, Path]:
    """What a worker and its Terraform write to: the data folder, and the one of temporary files."""
    return settings.data_dir, Path(tempfile.gettempdir())


class RunFolder:
    """The folder of one run on this host."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.work = path / "work"
        self.temporary = Path(tempfile.gettempdir()) / f"stationmaster-{path.name}"
        self.places = (self.work, self.temporary)
        """What Terraform writes to."""
        self._state = self.work / "terraform.tfstate"
        self._errored = self.work / "errored.tfstate"

    def prepare(self, root: Path, variables: dict[str, Any], state: State | None) -> None:
        """Lay the folder out (anew). `root` is an initialised root as `Roots.ready` gives it."""
        self.work.mkdir(parents=True, exist_ok=True)
        self._make_temporary()
        _link(self.path / "modules", root.parent / "modules")
        for file in root.iterdir():
            if file.suffix == ".tf" or file.name in {".terraform", ".terraform.lock.hcl"}:
                _link(self.work / file.name, file)
        self.touch_watch_file()
        self.write_variables(variables)
        self._restore(state)

    def write_variables(self, variables: dict[str, Any]) -> None:
        """What the root is told, in place of what it was told before."""
        _write_private(self.work / "terraform.tfvars.json", json.dumps(variables).encode())

    def _make_temporary(self) -> None:
        """Ours alone: in a folder that everybody writes to, somebody else could have been first with the name."""
        self.temporary.mkdir(mode=0o700, exist_ok=True)
        if self.temporary.is_symlink() or self.temporary.stat().st_uid != os.getuid():
            raise PermissionError(f"{self.temporary} is somebody else's")

    def _restore(self, state: State | None) -> None:
        """A kill can leave an empty, cut or older state file behind: the stored version is the truth then."""
        mine = self.read_state()
        if state is None:
            if mine is None:
                self._state.unlink(missing_ok=True)
        elif mine is None or mine.lineage != state.lineage or mine.serial < state.serial:
            _write_private(self._state, state.raw)

    def read_state(self) -> State | None:
        """The state as Terraform last wrote it; None while it is being written, or when there is none."""
        return _whole_state(self._state)

    def pick_up_errored_state(self) -> None:
        """Where Terraform could not write its state, it left it beside: the newest word there is of what exists."""
        errored, mine = _whole_state(self._errored), self.read_state()
        if errored and (mine is None or errored.serial > mine.serial):
            self._errored.chmod(0o600)
            # Moved, not copied: the disk may be full.
            self._errored.replace(self._state)

    def state_stamp(self) -> tuple[int, int] | None:
        """Changes whenever Terraform has written the state file."""
        try:
            status = self._state.stat()
        except FileNotFoundError:
            return None
        return status.st_mtime_ns, status.st_size

    def touch_watch_file(self) -> None:
        """The shim stops a Terraform that nobody has watched for a while: another host may then take the run over."""
        if self.work.is_dir():
            (self.work / WATCHED).touch()

    async def watch(self) -> None:
        """The same, while a step is waited for."""
        self.touch_watch_file()

    def newest_step(self) -> Step | None:
        """The command that was started last; None in an empty folder."""
        started = sorted(self.work.glob("*.sid"), key=lambda file: file.stat().st_mtime_ns)
        return Step(self.work, started[-1].stem) if started else None

    def write_plan(self, name: str, content: bytes) -> None:
        """Put a stored plan file back."""
        _write_private(self.work / name, content)

    def step(self, name: str) -> Step:
        """One of the run's Terraform commands."""
        return Step(self.work, name)

    def remove(self) -> None:
        """What is worth keeping is in the database."""
        shutil.rmtree(self.path, ignore_errors=True)
        shutil.rmtree(self.temporary, ignore_errors=True)


def _whole_state(file: Path) -> State | None:
    try:
        return State(file.read_bytes())
    except (FileNotFoundError, ValueError):
        return None


def _link(link: Path, target: Path) -> None:
    if not link.is_symlink():
        link.symlink_to(target)


def _write_private(path: Path, content: bytes) -> None:
    """Readable by this user alone: a state can hold secrets."""
    temporary = path.with_name(path.name + ".new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    temporary.replace(path)
