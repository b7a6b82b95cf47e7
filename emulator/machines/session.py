"""An SSH session: a command or a shell, with pipes or a terminal."""

import asyncio
import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import asyncssh

from emulator.core.processes import kill_group
from emulator.machines.agent import forwarded_agent
from emulator.machines.sandbox import SEARCH_PATH, Sandbox
from emulator.machines.streams import CHUNK, read_some, set_size, write_all

Process = asyncssh.SSHServerProcess[bytes]
Child = asyncio.subprocess.Process

# After the shell has ended, other processes may keep the terminal open. sshd does not wait for them either.
LAST_OUTPUT_S = 0.5
PASSED_ON = ("LANG", "LC_")
END_OF_INPUT = b"\x04"
# Who logs in to a terminal is shown what pam_motd would show.
LOG_IN = """
if [ -t 0 ] && [ ! -e ~/.hushlogin ]; then
  for part in "$1"/*; do [ ! -x "$part" ] || "$part"; done
fi
exec /bin/bash -l"""


@dataclass(frozen=True)
class Session:
    """An SSH session in a machine's sandbox."""

    sandbox: Sandbox
    user: str
    machine: str
    """Folder of the machine's own files, as its processes see it."""
    tmp: Path
    """The machine's /tmp."""
    typed: Path
    """Touched when somebody types."""
    agent: str = ""
    """The socket of a forwarded agent; empty without."""

    async def run(self, process: Process) -> None:
        try:
            async with forwarded_agent(process, self.tmp, self.sandbox.tmp_root) as agent:
                code = await replace(self, agent=agent)._run(process)
        except (OSError, asyncssh.Error) as error:
            # The client has disconnected, or the machine is stopping, so there is nobody to report to.
            process.logger.debug1("session ended: %s", error)
            process.close()
            return
        if code < 0:
            process.exit_with_signal(signal.Signals(-code).name.removeprefix("SIG"))
        else:
            process.exit(code)

    async def _run(self, process: Process) -> int:
        return await (self._in_terminal(process) if _has_terminal(process) else self._with_pipes(process))

    async def _with_pipes(self, process: Process) -> int:
        (stdin, to_stdin), (from_stdout, stdout), (from_stderr, stderr) = os.pipe(), os.pipe(), os.pipe()
        try:
            child = await self._start(process, (stdin, stdout, stderr))
        finally:
            _close(stdin, stdout, stderr)
        outputs = [
            asyncio.create_task(_forward(from_stdout, process.stdout)),
            asyncio.create_task(_forward(from_stderr, process.stderr)),
        ]
        feeding = asyncio.create_task(self._feed(process, child, to_stdin))
        try:
            code = await self._end_of(process, child)
            await asyncio.gather(*outputs)
        finally:
            await _cancel(feeding, *outputs)
            _close(from_stdout, from_stderr)
        return code

    async def _in_terminal(self, process: Process) -> int:
        ours, theirs = self.sandbox.open_terminal()
        set_size(ours, *process.term_size)
        try:
            child = await self._start(process, (theirs, theirs, theirs))
        finally:
            _close(theirs)
        output = asyncio.create_task(_forward(ours, process.stdout))
        feeding = asyncio.create_task(self._feed(process, child, ours, is_terminal=True))
        try:
            code = await self._end_of(process, child)
            await asyncio.wait({output}, timeout=LAST_OUTPUT_S)
        finally:
            await _cancel(feeding, output)
            _close(ours)
        return code

    async def _start(self, process: Process, descriptors: tuple[int, int, int]) -> Child:
        stdin, stdout, stderr = descriptors
        login = [LOG_IN, "bash", f"{self.machine}/etc/update-motd.d"]
        argv = ["/bin/bash", "-c", *(login if process.command is None else [process.command])]
        return await asyncio.create_subprocess_exec(
            *self.sandbox.command(argv, terminal=_has_terminal(process)),
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            env=self._environment(process),
            start_new_session=True,
        )

    async def _feed(self, process: Process, child: Child, target: int, *, is_terminal: bool = False) -> None:
        """Pass on what the client sends: bytes, signals, and the size of its window. Closes a pipe at the end of
        input."""
        os.set_blocking(target, False)
        try:
            while True:
                try:
                    data = await process.stdin.read(CHUNK)
                except asyncssh.TerminalSizeChanged as change:
                    set_size(target, *change.term_size)
                    continue
                except asyncssh.SignalReceived as received:
                    _signal(child, target, received.signal, is_terminal=is_terminal)
                    continue
                except asyncssh.BreakReceived:
                    _signal(child, target, "INT", is_terminal=is_terminal)
                    continue
                self.typed.touch()
                await write_all(target, data or (END_OF_INPUT if is_terminal else b""))
                if not data:
                    return
        except BrokenPipeError:
            # The command does not read its input.
            return
        finally:
            if not is_terminal:
                _close(target)

    async def _end_of(self, process: Process, child: Child) -> int:
        """Wait for the exit code. Raises BrokenPipeError if the client disconnects, which ends the command."""
        ended, closed = asyncio.ensure_future(child.wait()), asyncio.ensure_future(process.wait_closed())
        try:
            await asyncio.wait({ended, closed}, return_when=asyncio.FIRST_COMPLETED)
            if not ended.done():
                kill_group(child.pid, signal.SIGHUP)
                raise BrokenPipeError("the client hung up")
            return await ended
        finally:
            await _cancel(closed)
            if child.returncode is None:
                kill_group(child.pid, signal.SIGKILL)
                await child.wait()

    def _environment(self, process: Process) -> dict[str, str]:
        address, port = process.get_extra_info("peername")[:2]
        here, here_port = process.get_extra_info("sockname")[:2]
        environment = {
            "HOME": f"{self.sandbox.home_root}/{self.user}",
            "USER": self.user,
            "LOGNAME": self.user,
            "SHELL": "/bin/bash",
            "LANG": "C.UTF-8",
            "PATH": f"{self.machine}/bin:{SEARCH_PATH}",
            "SSH_CLIENT": f"{address} {port} {here_port}",
            "SSH_CONNECTION": f"{address} {port} {here} {here_port}",
        }
        if self.agent:
            environment["SSH_AUTH_SOCK"] = self.agent
        if process.term_type:
            environment["TERM"] = process.term_type
        return environment | _passed_on(process.env)


def _has_terminal(process: Process) -> bool:
    """Whether the client asked for one, even if it does not say of which type: that is empty where TERM is not set."""
    return process.term_type is not None


async def _forward(source: int, target: "asyncssh.SSHWriter[bytes]") -> None:
    os.set_blocking(source, False)
    while data := await read_some(source):
        target.write(data)
        await target.drain()


def _signal(child: Child, terminal: int, name: str, *, is_terminal: bool) -> None:
    number = getattr(signal, f"SIG{name}", None)
    if number is not None:
        kill_group(os.tcgetpgrp(terminal) if is_terminal else child.pid, number)


async def _cancel(*tasks: "asyncio.Task[Any] | asyncio.Future[Any]") -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _close(*descriptors: int) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


def _passed_on(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name.startswith(PASSED_ON)}
