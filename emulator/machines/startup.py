"""A machine's startup script: run in its sandbox, or replaced by the attributes of a failed boot without one."""

import asyncio
import contextlib
import signal
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import IO

from emulator.core.clock import rfc3339
from emulator.core.processes import kill_group
from emulator.machines import workloads
from emulator.machines.folders import MACHINE, PROGRAMS
from emulator.machines.sandbox import SEARCH_PATH, Sandbox
from emulator.machines.serial_console import SerialConsole

NAMESPACE = "stationmaster"
"""The namespace of the guest attributes that the startup script writes."""
SCRIPT = "startup-script"
SHUTDOWN_SCRIPT = "shutdown-script"
SHUTDOWN_SECONDS = 30.0
"""After a preemption Google switches a machine off so late."""
INSIDE = f"/{MACHINE}"
ENVIRONMENT = {
    "HOME": INSIDE,
    "PATH": f"/{PROGRAMS}:{SEARCH_PATH}",
    "STATIONMASTER_FSTAB": f"{INSIDE}/etc/fstab",
    "STATIONMASTER_MOTD_FOLDER": f"{INSIDE}/etc/update-motd.d",
    "STATIONMASTER_PCI_DEVICES": f"{INSIDE}/pci",
    "STATIONMASTER_PROC": f"{INSIDE}/proc",
    "STATIONMASTER_PROFILE_FOLDER": f"{INSIDE}/etc/profile.d",
    "STATIONMASTER_BASHRC": f"{INSIDE}/etc/bash.bashrc",
    "STATIONMASTER_PROGRAMS_FOLDER": f"/{PROGRAMS}",
    "STATIONMASTER_RUN_FOLDER": f"{INSIDE}/run",
    "STATIONMASTER_SSH_FOLDER": f"{INSIDE}/etc/ssh",
}


# As Google's metadata script runner writes it to the serial console, line by line.
_TO_CONSOLE = r"""export TZ=UTC
/bin/bash "$1" 2>&1 | while IFS= read -r line || [[ -n $line ]]; do
  printf '%(%b %e %T)T %s google_metadata_script_runner[612]: %s: %s\r\n' -1 "$HOSTNAME" "${1##*/}" "$line"
done"""
# systemd's clock would let this be told within the minute.
_TELL = f'[[ ! -e {INSIDE}/run/timer ]] || bash "$(<{INSIDE}/run/timer)"'
# The agent writes the file when it heeds signals.
_SIGNAL = f"""for _ in {{1..100}}; do
  [[ ! -s {INSIDE}/run/agent/pid ]] || exec kill -$1 $(<{INSIDE}/run/agent/pid)
  sleep 0.1
done"""
COUNT_SECONDS = 10.0


class Startup:
    """One boot's run of the script. What it prints goes to the machine's serial console."""

    def __init__(self, sandbox: Sandbox, boot_disk: Path) -> None:
        self._sandbox, self._boot_disk = sandbox, boot_disk
        self._process: asyncio.subprocess.Process | None = None
        self._counting: asyncio.Task[None] | None = None

    async def begin(self, script: str, metadata_server: str) -> None:
        """Start the script.

        :param metadata_server: replaces Google's metadata server: HOST PORT PATH.
        """
        machine = self._boot_disk / MACHINE
        (machine / "metadata-server").write_text(f"{metadata_server}\n")
        (machine / SCRIPT).write_text(script)
        command = ["/bin/bash", "-c", _TO_CONSOLE, "startup", f"{INSIDE}/{SCRIPT}"]
        with SerialConsole(self._boot_disk).open() as console:
            self._process = await self._run(command, console)
        self._counting = asyncio.create_task(self._count(machine))

    async def shut_down(self, script: str) -> None:
        """Run the shutdown script, for as long as Google lets it."""
        (self._boot_disk / MACHINE / SHUTDOWN_SCRIPT).write_text(script)
        command = ["/bin/bash", "-c", _TO_CONSOLE, "shutdown", f"{INSIDE}/{SHUTDOWN_SCRIPT}"]
        with SerialConsole(self._boot_disk).open() as console:
            process = await self._run(command, console)
        try:
            await asyncio.wait_for(process.wait(), SHUTDOWN_SECONDS)
        except TimeoutError:
            kill_group(process.pid, signal.SIGKILL)
            await process.wait()

    async def tell(self) -> None:
        """Have the script's timer run now."""
        await (await self._run(["/bin/bash", "-c", _TELL], asyncio.subprocess.DEVNULL)).wait()

    async def work(self, name: str) -> None:
        """Begin with a workload, and have the agent say so when there is something to measure; or end the agent."""
        machine = self._boot_disk / MACHINE
        if name not in workloads.WORKLOADS:
            await self._signal_agent("KILL")
            return
        await self._signal_agent("USR1")
        workloads.start(machine, name)
        await asyncio.sleep(1)
        workloads.advance(machine)
        await self._signal_agent("USR1")

    async def _signal_agent(self, signal_name: str) -> None:
        command = ["/bin/bash", "-c", _SIGNAL, "bash", signal_name]
        await (await self._run(command, asyncio.subprocess.DEVNULL)).wait()

    async def _count(self, machine: Path) -> None:
        """The machine's counters go on."""
        while True:
            await asyncio.sleep(COUNT_SECONDS)
            workloads.advance(machine)

    async def _run(self, command: list[str], output: IO[bytes] | int) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *self._sandbox.command(command, terminal=False),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=ENVIRONMENT,
            start_new_session=True,
        )

    async def stop(self) -> None:
        if self._counting:
            self._counting.cancel()
        if self._process:
            with contextlib.suppress(ProcessLookupError):
                kill_group(self._process.pid, signal.SIGKILL)
            await self._process.wait()


def attributes_without_sandbox(now: datetime, host_keys: Mapping[str, str]) -> dict[str, str]:
    """The attributes of a machine that cannot run the script, because this system gives it no disks."""
    reason = "The emulator may not make namespaces on this system, so its machines have no disks."
    mount = f"state=absent volume= device= type= size= free= boot_size= boot_free= at={rfc3339(now)} reason={reason}"
    keys = {f"hostkeys-{algorithm}": key for algorithm, key in host_keys.items()}
    attributes = {**keys, "mount": mount, "driver": "none", "boot-stage": f"failed {rfc3339(now)}"}
    return {f"{NAMESPACE}/{key}": value for key, value in attributes.items()}
