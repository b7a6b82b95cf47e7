"""The sandbox of a machine's processes: Linux namespaces or, if the system has none, plain processes."""

import asyncio
import fcntl
import logging
import os
import shutil
import signal
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from emulator.core.processes import kill_group
from emulator.machines.machine_spec import HOME_DEVICE, disk_folder

logger = logging.getLogger(__name__)
FIRST_PROCESS = Path(__file__).parent / "sandbox.sh"
PATIENCE_S = 10.0
OTHER_LETTERS = "cdefghijklmnopqrstuvwxyz"
"""Of the devices of disks beside the data disk."""
SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# TIOCSPTLCK and TIOCGPTPEER of Linux, which Python 3.11 does not name.
UNLOCK_TERMINAL, OPEN_OTHER_END = 0x40045431, 0x5441
NAMESPACES = ("--mount", "--uts", "--pid")
WITH_USER = ("--user", "--map-root-user")
# For root in a container, user namespaces may be forbidden while others are allowed.
WITHOUT_USER: tuple[str, ...] = ()


class SandboxError(Exception):
    """The namespaces could not be created. The message says what was tried."""


class Sandbox(Protocol):
    home_root: str
    """Where the machine's processes see the folder of homes."""
    tmp_root: str
    """Where they see its folder of temporary files."""
    has_disks: bool
    """Whether it can run a startup script."""

    @property
    def folders(self) -> Mapping[str, Path]:
        """The machine's folders, with all that is mounted in them → where this computer sees them."""

    async def start(self) -> None: ...
    async def attach(self, disks: Mapping[str, int]) -> None:
        """Attach these disks, whose folders have been prepared, instead of the current ones: device name → number."""

    def command(self, argv: Sequence[str], *, terminal: bool) -> list[str]:
        """The command line that runs `argv` in the sandbox, in $HOME; with a controlling terminal if `terminal`."""

    def open_terminal(self) -> tuple[int, int]:
        """Descriptors of a new terminal of the machine: the emulator's end, and that of the machine's processes."""

    async def stop(self) -> None:
        """End all processes in the sandbox."""


class NamespaceSandbox:
    home_root = "/home"
    tmp_root = "/tmp"  # noqa: S108 - the machine's own
    has_disks = True

    def __init__(self, disks: Path, boot_disk: int, name: str, flags: Sequence[str]) -> None:
        self._disks = disks
        self._arguments = [str(disks), str(boot_disk), name]
        self._flags = list(flags)
        self._process: asyncio.subprocess.Process | None = None
        self._attached: dict[str, tuple[int, str]] = {}

    @property
    def folders(self) -> Mapping[str, Path]:
        root = Path(f"/proc/{self._running().pid}/root")
        return {path: root / path.removeprefix("/") for path in (self.home_root, self.tmp_root)}

    async def start(self) -> None:
        unshare = ["unshare", *self._flags, *NAMESPACES, "--fork", "--kill-child"]
        self._process = await asyncio.create_subprocess_exec(
            *unshare,
            "--",
            _shell(),
            str(FIRST_PROCESS),
            *self._arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={"PATH": SEARCH_PATH},
            start_new_session=True,
        )
        if await self._answer() != "ready":
            raise SandboxError(await self._last_words())

    async def attach(self, disks: Mapping[str, int]) -> None:
        for name, (number, device) in list(self._attached.items()):
            if disks.get(name) != number:
                await self._order(f"detach {device} {name}")
                del self._attached[name]
        for name, number in disks.items():
            if name not in self._attached:
                device = self._free_device(name)
                await self._order(f"attach {number} {device} {name}")
                self._attached[name] = number, device

    def _free_device(self, name: str) -> str:
        # The stand-ins look for the data disk there.
        if name == HOME_DEVICE:
            return "sdb"
        taken = {device for _, device in self._attached.values()}
        return next(device for letter in OTHER_LETTERS if (device := f"sd{letter}") not in taken)

    def command(self, argv: Sequence[str], *, terminal: bool) -> list[str]:
        pid = self._running().pid
        enter = ["nsenter", "--target", str(pid), "--mount", "--uts", f"--pid=/proc/{pid}/ns/pid_for_children"]
        if self._flags:
            enter += ["--user", "--preserve-credentials"]
        return [*enter, "--", *in_home(argv, terminal=terminal)]

    def open_terminal(self) -> tuple[int, int]:
        # Not os.openpty: programs such as tmux look for the terminal's name in the machine's own /dev/pts.
        ours = os.open(f"/proc/{self._running().pid}/root/dev/pts/ptmx", os.O_RDWR | os.O_NOCTTY)
        fcntl.ioctl(ours, UNLOCK_TERMINAL, struct.pack("i", 0))
        return ours, fcntl.ioctl(ours, OPEN_OTHER_END, os.O_RDWR | os.O_NOCTTY)

    async def stop(self) -> None:
        if self._process is None:
            return
        if self._process.stdin:
            self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), 2)
        except TimeoutError:
            kill_group(self._process.pid, signal.SIGKILL)
            await self._process.wait()

    async def _order(self, order: str) -> None:
        """Raises SandboxError."""
        stdin = self._running().stdin
        if stdin is not None:
            stdin.write(f"{order}\n".encode())
        if await self._answer() != "done":
            raise SandboxError(f"{order} failed in {self._arguments[2]}")

    async def _answer(self) -> str:
        stdout = self._running().stdout
        if stdout is None:
            return ""
        try:
            return (await asyncio.wait_for(stdout.readline(), PATIENCE_S)).decode().strip()
        except TimeoutError:
            return ""

    async def _last_words(self) -> str:
        process = self._running()
        kill_group(process.pid, signal.SIGKILL)
        _, text = await process.communicate()
        return text.decode(errors="replace").strip() or "the machine's first process ended"

    def _running(self) -> asyncio.subprocess.Process:
        if self._process is None:
            raise SandboxError("the machine has not been started")
        return self._process


class PlainSandbox:
    """A sandbox without its own /home and host name, in which one can only log in and copy files."""

    has_disks = False

    def __init__(self, disks: Path, boot_disk: int) -> None:
        self.home_root = str(disk_folder(disks, boot_disk) / "home")
        self.tmp_root = str(disk_folder(disks, boot_disk) / "tmp")

    @property
    def folders(self) -> Mapping[str, Path]:
        return {"/home": Path(self.home_root), "/tmp": Path(self.tmp_root)}  # noqa: S108 - the machine's own

    async def start(self) -> None:
        """Nothing to make."""

    async def attach(self, disks: Mapping[str, int]) -> None:
        """Nothing to do: without a namespace there is no place to attach a disk."""

    def command(self, argv: Sequence[str], *, terminal: bool) -> list[str]:
        return in_home(argv, terminal=terminal)

    def open_terminal(self) -> tuple[int, int]:
        return os.openpty()

    async def stop(self) -> None:
        """Sessions end their own process groups."""


def in_home(argv: Sequence[str], *, terminal: bool) -> list[str]:
    controlling = ["setsid", "--ctty", "--wait"] if terminal else []
    return ["/bin/sh", "-c", 'cd "$HOME" && exec "$@"', "sh", *controlling, *argv]


async def usable_flags() -> tuple[str, ...] | None:
    """The flags of `unshare` that create namespaces here; None if nothing does."""
    for flags in (WITH_USER, WITHOUT_USER):
        if await _works(flags):
            return flags
    return None


async def _works(flags: Sequence[str]) -> bool:
    if shutil.which("unshare") is None or shutil.which("nsenter") is None:
        return False
    # Some systems allow the namespace but forbid its use, so try a mount and a host name.
    trial = "mount --bind /tmp /tmp && hostname trial"
    process = await asyncio.create_subprocess_exec(
        *("unshare", *flags, *NAMESPACES, "--fork", "--kill-child", "--", "/bin/sh", "-c", trial),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        env={"PATH": SEARCH_PATH},
    )
    return await process.wait() == 0


def _shell() -> str:
    # bash, unlike dash, reaps orphaned processes while it waits for commands as process 1.
    return shutil.which("bash") or "/bin/sh"
