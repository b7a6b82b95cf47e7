"""SFTP and scp into a machine: its paths are not this computer's."""

import os
import posixpath
from collections.abc import AsyncIterator, Awaitable, Mapping
from pathlib import Path

import asyncssh

MAX_LINKS = 40


class PathMap:
    """Maps the machine's paths to this computer's."""

    def __init__(self, mounts: Mapping[str, Path], home: str) -> None:
        """:param mounts: the machine's folders → this computer's; all other paths are the same."""
        self._mounts = sorted(mounts.items(), key=lambda mount: len(mount[0]), reverse=True)
        self._home = home

    def absolute(self, path: bytes) -> str:
        return posixpath.normpath(posixpath.join(self._home, os.fsdecode(path)))

    def local(self, path: str) -> str:
        for mounted, folder in self._mounts:
            if path == mounted or path.startswith(f"{mounted}/"):
                return f"{folder}{path[len(mounted) :]}"
        return path

    def resolve(self, path: bytes, *, follow: bool) -> str:
        """Follows symbolic links as the machine would: an absolute one means a path in the machine."""
        todo, done, links = self.absolute(path).split("/")[1:], "", 0
        while todo:
            part = todo.pop(0)
            if part in ("", "."):
                continue
            if part == "..":
                done = done.rpartition("/")[0]
                continue
            here = f"{done}/{part}"
            if (todo or follow) and links < MAX_LINKS and Path(self.local(here)).is_symlink():
                links += 1
                target = str(Path(self.local(here)).readlink())
                done = "" if target.startswith("/") else done
                todo = target.split("/") + todo
                continue
            done = here
        return done or "/"


class MachineFiles(asyncssh.SFTPServer):
    """asyncssh's SFTP server, seeing the machine's files as a session in it does."""

    def __init__(self, channel: "asyncssh.SSHServerChannel[bytes]", tree: PathMap) -> None:
        super().__init__(channel)
        self._tree = tree

    def map_path(self, path: bytes) -> bytes:
        return os.fsencode(self._tree.local(self._tree.resolve(path, follow=False)))

    def realpath(self, path: bytes) -> bytes:
        return self._followed(path)

    def stat(self, path: bytes) -> os.stat_result:
        return Path(self._local(path)).stat()

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        return super().open(self._followed(path), pflags, attrs)

    def open56(self, path: bytes, desired_access: int, flags: int, attrs: asyncssh.SFTPAttrs) -> object:
        return super().open56(self._followed(path), desired_access, flags, attrs)

    def setstat(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> Awaitable[None] | None:
        return super().setstat(self._followed(path), attrs)

    def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
        return super().scandir(self._followed(path))

    def statvfs(self, path: bytes) -> os.statvfs_result:
        return os.statvfs(self._local(path))

    def readlink(self, path: bytes) -> bytes:
        return os.fsencode(Path(os.fsdecode(self.map_path(path))).readlink())

    def symlink(self, oldpath: bytes, newpath: bytes) -> None:
        """Create a symbolic link. The target is kept as given, because it is a path in the machine."""
        Path(os.fsdecode(self.map_path(newpath))).symlink_to(os.fsdecode(oldpath))

    def exit(self) -> None:
        """End the session with a status, without which scp would report a failure."""
        if not self.channel.is_closing():
            self.channel.exit(0)

    def _followed(self, path: bytes) -> bytes:
        return os.fsencode(self._tree.resolve(path, follow=True))

    def _local(self, path: bytes) -> str:
        return self._tree.local(self._tree.resolve(path, follow=True))
