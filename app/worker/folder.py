"""The folder of a run: links to the initialised root, and the run's own files.

    RUN/modules -> ROOT/modules
    RUN/work/   the working folder: links to the root's files; its own variables, state, plan and step files

They are links so that `terraform init` runs once for each root instead of once for each run.
"""

import asyncio
import json
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from app.config import Settings
from app.infra.process import WATCHED, Step
from app.models.base import short_id
from app.services.terraform.state_versions import State

TOUCH_SECONDS = 2.0


def host_id(data_dir: Path) -> str:
    """The ID of this data folder, created once. Workers with the same data folder share its run folders."""
    file = data_dir / "worker" / "host"
    file.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        # Linked into place: of workers that start at the same time, one wins, and nobody reads half a file.
        draft = file.with_name(f"host.{os.getpid()}")
        draft.write_text(short_id(10))
        try:
            os.link(draft, file)
        finally:
            draft.unlink()
    return file.read_text()


def folders(settings: Settings) -> tuple[Path, Path]:
    """The folders that a worker and Terraform write to: the data folder and the one for temporary files."""
    return settings.data_dir, Path(tempfile.gettempdir())


class RunFolder:
    """The folder of one run on this host."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.work = path / "work"
        # Sockets of Terraform's plugins need a path of at most about 100 characters, which the data folder's may
        # exceed.
        self.temporary = Path(tempfile.gettempdir()) / f"stationmaster-{path.name}"
        self.places = (self.work, self.temporary)
        """The folders that Terraform writes to."""
        self._state = self.work / "terraform.tfstate"
        self._errored = self.work / "errored.tfstate"

    def prepare(self, root: Path, variables: dict[str, Any], state: State | None) -> None:
        """Create or update the folder.

        :param root: an initialised root, from `Roots.ready`.
        """
        self.work.mkdir(parents=True, exist_ok=True)
        self._make_temporary()
        # Roots refer to modules by a relative path, ../modules.
        _link(self.path / "modules", root.parent / "modules")
        for file in root.iterdir():
            if file.suffix == ".tf" or file.name in {".terraform", ".terraform.lock.hcl"}:
                _link(self.work / file.name, file)
        self.touch_watch_file()
        self.write_variables(variables)
        self._restore(state)

    def write_variables(self, variables: dict[str, Any]) -> None:
        """Replace the variables."""
        _write_private(self.work / "terraform.tfvars.json", json.dumps(variables).encode())

    def _make_temporary(self) -> None:
        """Create the folder for temporary files. Raises PermissionError if another user has created it."""
        self.temporary.mkdir(mode=0o700, exist_ok=True)
        # Everybody can write to the system's folder for temporary files.
        if self.temporary.is_symlink() or self.temporary.stat().st_uid != os.getuid():
            raise PermissionError(f"{self.temporary} belongs to another user")

    def _restore(self, state: State | None) -> None:
        """Restore the stored state if the file is missing, incomplete, older or of another lineage."""
        # A killed Terraform can leave an incomplete file.
        mine = self.read_state()
        if state is None:
            if mine is None:
                self._state.unlink(missing_ok=True)
        elif mine is None or mine.lineage != state.lineage or mine.serial < state.serial:
            _write_private(self._state, state.raw)

    def edit_state(self, edit: Callable[[State], State]) -> None:
        """Replace the state by what `edit` makes of it."""
        state = self.read_state()
        edited = edit(state) if state else None
        if edited and edited is not state:
            _write_private(self._state, edited.raw)

    def read_state(self) -> State | None:
        """The state as Terraform last wrote it; None if there is none, or it is being written."""
        return _whole_state(self._state)

    def pick_up_errored_state(self) -> None:
        """Use the state that Terraform writes to another file if writing its own has failed."""
        errored, mine = _whole_state(self._errored), self.read_state()
        if errored and (mine is None or errored.serial > mine.serial):
            self._errored.chmod(0o600)
            # Moved, not copied: the disk may be full.
            self._errored.replace(self._state)

    def state_stamp(self) -> tuple[int, int] | None:
        """A value that changes whenever Terraform writes the state file."""
        try:
            status = self._state.stat()
        except FileNotFoundError:
            return None
        return status.st_mtime_ns, status.st_size

    def touch_watch_file(self) -> None:
        """Show the shim that a worker follows its Terraform."""
        # Without this for a while, the shim stops Terraform, because another host may take the run over.
        if self.work.is_dir():
            (self.work / WATCHED).touch()

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """`touch_watch_file` again and again while the block runs, even if it waits for the database."""

        async def touch() -> None:
            while True:
                # An error is raised where the follower itself touches the file.
                with suppress(OSError):
                    self.touch_watch_file()
                await asyncio.sleep(TOUCH_SECONDS)

        touching = asyncio.create_task(touch())
        try:
            yield
        finally:
            touching.cancel()
            await asyncio.wait({touching})

    async def watch(self) -> None:
        """`touch_watch_file` as a coroutine, to be called while a step is awaited."""
        self.touch_watch_file()

    def newest_step(self) -> Step | None:
        """The step that was started last; None if none was."""
        started = sorted(self.work.glob("*.sid"), key=lambda file: file.stat().st_mtime_ns)
        return Step(self.work, started[-1].stem) if started else None

    def write_plan(self, name: str, content: bytes) -> None:
        """Write a stored plan file to the folder."""
        _write_private(self.work / name, content)

    def step(self, name: str) -> Step:
        """The step with this name."""
        return Step(self.work, name)

    def remove(self) -> None:
        """Delete the folder. The database has everything that is needed later."""
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
    """Write a file that only this user can read, since a state can contain secrets."""
    temporary = path.with_name(path.name + ".new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    temporary.replace(path)
