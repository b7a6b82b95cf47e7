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
from emulator.machines.folders import MACHINE, PROGRAMS
from emulator.machines.sandbox import SEARCH_PATH, Sandbox
from emulator.machines.serial_console import SerialConsole

NAMESPACE = "stationmaster"
"""The namespace of the guest attributes that the startup script writes."""
SCRIPT = "startup-script"
INSIDE = f"/{MACHINE}"
ENVIRONMENT = {
    "HOME": INSIDE,
    "PATH": f"/{PROGRAMS}:{SEARCH_PATH}",
    "STATIONMASTER_FSTAB": f"{INSIDE}/etc/fstab",
    "STATIONMASTER_MOTD_FOLDER": f"{INSIDE}/etc/update-motd.d",
    "STATIONMASTER_PCI_DEVICES": f"{INSIDE}/pci",
    "STATIONMASTER_PROC": f"{INSIDE}/proc",
    "STATIONMASTER_RUN_FOLDER": f"{INSIDE}/run",
    "STATIONMASTER_SSH_FOLDER": f"{INSIDE}/etc/ssh",
}


# As Google's metadata script runner writes it to the serial console, line by line.
_TO_CONSOLE = r"""export TZ=UTC
/bin/bash "$1" 2>&1 | while IFS= read -r line || [[ -n $line ]]; do
  printf '%(%b %e %T)T %s google_metadata_script_runner[612]: startup-script: %s\r\n' -1 "$HOSTNAME" "$line"
done"""
# systemd's clock would let this be told within the minute.
_TELL = f'[[ ! -e {INSIDE}/run/timer ]] || bash "$(<{INSIDE}/run/timer)"'


class Startup:
    """One boot's run of the script. What it prints goes to the machine's serial console."""

    def __init__(self, sandbox: Sandbox, boot_disk: Path) -> None:
        self._sandbox, self._boot_disk = sandbox, boot_disk
        self._process: asyncio.subprocess.Process | None = None

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

    async def tell(self) -> None:
        """Have the script's timer run now."""
        await (await self._run(["/bin/bash", "-c", _TELL], asyncio.subprocess.DEVNULL)).wait()

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
