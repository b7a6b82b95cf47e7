"""A machine's startup script: run in its sandbox, or replaced by the attributes of a failed boot without one."""

import asyncio
import contextlib
import signal
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from emulator.core.clock import rfc3339
from emulator.core.processes import kill_group
from emulator.machines.folders import MACHINE, PROGRAMS
from emulator.machines.sandbox import SEARCH_PATH, Sandbox

NAMESPACE = "stationmaster"
"""The namespace of the guest attributes that the startup script writes."""
SCRIPT = "startup-script"
LOG = "serial.log"
INSIDE = f"/{MACHINE}"
ENVIRONMENT = {
    "HOME": INSIDE,
    "PATH": f"/{PROGRAMS}:{SEARCH_PATH}",
    "STATIONMASTER_FSTAB": f"{INSIDE}/etc/fstab",
    "STATIONMASTER_PCI_DEVICES": f"{INSIDE}/pci",
    "STATIONMASTER_RUN_FOLDER": f"{INSIDE}/run",
    "STATIONMASTER_SSH_FOLDER": f"{INSIDE}/etc/ssh",
}


class Startup:
    """One boot's run of the script. What it prints goes to the boot disk's serial.log."""

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
        command = ["/bin/bash", f"{INSIDE}/{SCRIPT}"]
        with (self._boot_disk / LOG).open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._sandbox.command(command, terminal=False),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
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
