"""One SSH session: a command or a shell, with pipes or a terminal."""

import asyncio
import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass

import asyncssh

from ..supervisor import kill_group
from .room import SEARCH_PATH, Room

# The shell has ended, but something it left behind may keep the terminal open: sshd does not wait for that either.
LAST_OUTPUT_S = 0.5
PASSED_ON = ("LANG", "LC_")


@dataclass(frozen=True)
class Session:
    """Whose it is, and where."""

    room: Room
    user: str
    programs: str
    """Folder of the machine's own programs."""

    async def run(self, process: "asyncssh.SSHServerProcess[bytes]") -> None:
        try:
            code = await (self._in_terminal(process) if process.term_type else self._with_pipes(process))
        except (OSError, asyncssh.Error) as error:
            # The client went away, or the machine is going down: nobody is left to be told.
            process.logger.debug1("session ended: %s", error)
            process.close()
            return
        if code < 0:
            process.exit_with_signal(signal.Signals(-code).name.removeprefix("SIG"))
        else:
            process.exit(code)
        await process.wait_closed()

    async def _with_pipes(self, process: "asyncssh.SSHServerProcess[bytes]") -> int:
        # Pipes of our own: with asyncio's streams the connection breaks when the other side is slow.
        (stdin, to_stdin), (from_stdout, stdout), (from_stderr, stderr) = os.pipe(), os.pipe(), os.pipe()
        try:
            child = await self._start(process, (stdin, stdout, stderr))
        finally:
            for descriptor in (stdin, stdout, stderr):
                os.close(descriptor)
        process.set_redirect_pid(-child.pid)
        await process.redirect(stdin=to_stdin, stdout=from_stdout, stderr=from_stderr)
        code = await self._end_of(process, child)
        await process.stdout.drain()
        await process.stderr.drain()
        return code

    async def _in_terminal(self, process: "asyncssh.SSHServerProcess[bytes]") -> int:
        ours, theirs = os.openpty()
        try:
            child = await self._start(process, (theirs, theirs, theirs))
        finally:
            os.close(theirs)
        await process.redirect(stdin=os.dup(ours), stdout=ours)
        code = await self._end_of(process, child)
        try:
            await asyncio.wait_for(process.stdout.drain(), LAST_OUTPUT_S)
        except TimeoutError:
            process.logger.debug1("something still holds the terminal")
        return code

    async def _start(
        self, process: "asyncssh.SSHServerProcess[bytes]", descriptors: tuple[int, int, int]
    ) -> asyncio.subprocess.Process:
        stdin, stdout, stderr = descriptors
        argv = ["/bin/bash", "-l"] if process.command is None else ["/bin/bash", "-c", process.command]
        return await asyncio.create_subprocess_exec(
            *self.room.command(argv, terminal=bool(process.term_type)),
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            env=self._environment(process),
            start_new_session=True,
        )

    async def _end_of(self, process: "asyncssh.SSHServerProcess[bytes]", child: asyncio.subprocess.Process) -> int:
        """The exit code; a client that hangs up takes its command with it."""
        ended, closed = asyncio.ensure_future(child.wait()), asyncio.ensure_future(process.wait_closed())
        try:
            await asyncio.wait({ended, closed}, return_when=asyncio.FIRST_COMPLETED)
            if not ended.done():
                kill_group(child.pid, signal.SIGHUP)
            return await ended
        finally:
            process.set_redirect_pid(None)
            closed.cancel()
            if child.returncode is None:
                kill_group(child.pid, signal.SIGKILL)

    def _environment(self, process: "asyncssh.SSHServerProcess[bytes]") -> dict[str, str]:
        address, port = process.get_extra_info("peername")[:2]
        here, here_port = process.get_extra_info("sockname")[:2]
        environment = {
            "HOME": f"{self.room.home_root}/{self.user}",
            "USER": self.user,
            "LOGNAME": self.user,
            "SHELL": "/bin/bash",
            "LANG": "C.UTF-8",
            "PATH": f"{self.programs}:{SEARCH_PATH}",
            "SSH_CLIENT": f"{address} {port} {here_port}",
            "SSH_CONNECTION": f"{address} {port} {here} {here_port}",
        }
        if process.term_type:
            environment["TERM"] = process.term_type
        return environment | _passed_on(process.env)


def _passed_on(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name.startswith(PASSED_ON)}
