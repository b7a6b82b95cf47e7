"""Terraform roots, initialised once for each version of their files. Runs link to them."""

import asyncio
import errno
import hashlib
import os
import shutil
import tempfile
from pathlib import Path

import structlog
from sqlalchemy.dialects.postgresql import insert

from app.clock import Clock
from app.config import Settings
from app.db import Database
from app.errors import ConfigurationError
from app.infra import disk, terraform
from app.models import ProviderLock, Root

log = structlog.get_logger()
LOCK_FILE = ".terraform.lock.hcl"


class Roots:
    """The initialised roots of one host. Their folders are named after a hash of the content, and never change."""

    def __init__(self, settings: Settings, database: Database, clock: Clock) -> None:
        self._source = settings.terraform_dir
        self._folder = (settings.data_dir / "worker" / "roots").resolve()
        self._terraform = terraform.executable(settings.terraform)
        self._database, self._clock = database, clock
        self._one_at_a_time = asyncio.Lock()

    async def ready(self, root: Root) -> Path:
        """The folder of an initialised root. Raises ConfigurationError if `terraform init` fails, and OSError."""
        # Overlapping inits would break the shared plugin cache ("text file busy").
        async with self._one_at_a_time:
            content_hash = await asyncio.to_thread(self._hash, root)
            target = self._folder / f"{root}-{content_hash}"
            if not (target / root / LOCK_FILE).exists():
                await self._initialise(root, target, content_hash)
            return target / root

    def _hash(self, root: Root) -> str:
        """A hash of the files and of the configuration that decides where providers come from."""
        digest = hashlib.sha256()
        for file in self._files(root):
            digest.update(f"{file.relative_to(self._source)}\0".encode() + file.read_bytes() + b"\0")
        digest.update(terraform.environment().get("TF_CLI_CONFIG_FILE", "").encode())
        return digest.hexdigest()[:16]

    def _files(self, root: Root) -> list[Path]:
        desired = (*self._source.glob("modules/*/**/*"), *(self._source / root).iterdir())
        return sorted(file for file in desired if file.is_file() and not self._is_beside(file))

    def _is_beside(self, file: Path) -> bool:
        """Whether a file is not part of the configuration: a test, or a file that a program left."""
        return any(part.startswith((".", "__")) or part == "tests" for part in file.relative_to(self._source).parts)

    async def _initialise(self, root: Root, target: Path, content_hash: str) -> None:
        """Initialise a root in a draft folder, and move that into place."""
        self._folder.mkdir(parents=True, exist_ok=True)
        # Workers of this host may initialise the same root at the same time, and must never see an incomplete one.
        draft = Path(tempfile.mkdtemp(dir=self._folder, prefix=".new-"))
        try:
            for file in self._files(root):
                copy = draft / file.relative_to(self._source)
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, copy)
            lock_key = f"{root}:{content_hash}"
            known = await self._known_lock(lock_key)
            await self._init(draft / root, known)
            if known is None:
                await self._keep_lock(lock_key, (draft / root / LOCK_FILE).read_text())
            _move_into_place(draft, target)
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    async def _init(self, folder: Path, known_lock: str | None) -> None:
        options: dict[str, object] = {"input": False, "no_color": terraform.FLAG}
        if known_lock is not None:
            (folder / LOCK_FILE).write_text(known_lock)
            # The locked provider version was recorded at the first init, so that every worker uses exactly that one.
            options["lockfile"] = "readonly"
        process = await asyncio.create_subprocess_exec(
            *terraform.command(self._terraform, "init", **options),
            cwd=folder,
            env=terraform.environment(),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        if process.returncode:
            said = output.decode(errors="replace")
            # A full disk is retried, unlike an invalid configuration.
            if disk.reports_full_disk(said):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))
            raise ConfigurationError(f"terraform init failed for {folder.name}:\n{said}")
        log.info("root initialised", root=folder.name)

    async def _known_lock(self, key: str) -> str | None:
        async with self._database.sessions() as session:
            lock = await session.get(ProviderLock, key)
            return lock.content if lock else None

    async def _keep_lock(self, key: str, content: str) -> None:
        row = {"root_hash": key, "content": content, "created_at": self._clock()}
        async with self._database.sessions.begin() as session:
            # Another worker may have stored the same lock file.
            await session.execute(insert(ProviderLock).values(row).on_conflict_do_nothing())


def _move_into_place(draft: Path, target: Path) -> None:
    """Move the folder into place, unless another worker of this host has done so already."""
    try:
        draft.rename(target)
    # A folder can only replace an empty one.
    except OSError as error:
        if error.errno not in {errno.ENOTEMPTY, errno.EEXIST}:
            raise
