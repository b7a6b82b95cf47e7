"""The COMMAND that runs with the emulated cloud around it."""

import asyncio
import logging
import signal
from collections.abc import Mapping, Sequence

from emulator.core.processes import end_group, kill_group

logger = logging.getLogger(__name__)
GRACE_S = 30.0
LEFTOVERS_GRACE_S = 2.0
NOT_FOUND = 127
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class CommandSupervisor:
    """Runs one command in a session of its own, so that a terminal's Ctrl-C reaches it once, through us."""

    def __init__(self, grace_s: float = GRACE_S) -> None:
        self._grace_s = grace_s
        self._interrupted = asyncio.Event()
        self._signal = signal.SIGTERM

    def watch_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            # `nohup` ignores SIGHUP, which must stay so.
            if number is not signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
                loop.add_signal_handler(number, self._on_signal, number)

    def interrupt(self) -> None:
        """Ends the command as a signal would."""
        self._interrupted.set()

    async def interrupted(self) -> None:
        """Returns once a signal or an error asks to end."""
        await self._interrupted.wait()

    async def start(self, command: Sequence[str], environ: Mapping[str, str]) -> "asyncio.subprocess.Process | None":
        """None where there is no such command."""
        try:
            return await asyncio.create_subprocess_exec(*command, env=dict(environ), start_new_session=True)
        except OSError as error:
            logger.error("%s cannot be run: %s", command[0], error.strerror)  # noqa: TRY400 - for a person
            return None

    async def run(self, process: asyncio.subprocess.Process) -> int:
        """Waits until the command has ended and left nothing behind. The exit code is as a shell reports it."""
        ended = asyncio.create_task(process.wait())
        wanted = asyncio.create_task(self._interrupted.wait())
        await asyncio.wait({ended, wanted}, return_when=asyncio.FIRST_COMPLETED)
        if not ended.done():
            await self._interrupt(process, ended)
        wanted.cancel()
        await end_group(process.pid, LEFTOVERS_GRACE_S)
        code = await ended
        return code if code >= 0 else 128 - code

    async def _interrupt(self, process: asyncio.subprocess.Process, ended: "asyncio.Task[int]") -> None:
        process.send_signal(self._signal)
        await asyncio.wait({ended}, timeout=self._grace_s)
        if not ended.done():
            logger.warning("%d has not ended within %.0f s and is killed.", process.pid, self._grace_s)
            kill_group(process.pid, signal.SIGKILL)

    def _on_signal(self, number: signal.Signals) -> None:
        # make forwards what the terminal or a service manager has already sent to everybody: the first one counts.
        if not self._interrupted.is_set():
            self._signal = number
            self._interrupted.set()
