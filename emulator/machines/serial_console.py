"""A machine's first serial port: what its firmware, its kernel and its startup script print there."""

import os
from pathlib import Path
from typing import IO

from emulator.machines.machine_spec import MachineSpec

RETAINED = 1 << 20
"""So many bytes of the output Google keeps: older ones are gone."""
_OK = "[\x1b[0;32m  OK  \x1b[0m]"
_BOOT = """\x1bc\x1b[?7l\x1b[2J\x1b[0mSeaBIOS (version 1.8.2-google)
Total RAM Size = {memory:#018x} = {memory_mb} MiB
CPUs found: {cpus}     Max CPUs supported: {cpus}
SeaBIOS (version 1.8.2-google)
Machine UUID {uuid}
found virtio-scsi at 0:3
virtio-scsi vendor='Google' product='PersistentDisk' rev='1' type=0 removable=0
Booting from Hard Disk 0...
[    0.000000] Linux version {kernel} (buildd@lcy02-amd64-092) #33-Ubuntu SMP
[    0.000000] Command line: BOOT_IMAGE=/vmlinuz-{kernel} root=PARTUUID=5fe2 ro console=ttyS0,115200
[    0.000000] DMI: Google Google Compute Engine/Google Compute Engine, BIOS Google
[    0.171305] smpboot: Allowing {cpus} CPUs, 0 hotplug CPUs
[    1.482214] sd 0:0:1:0: [sda] {sectors} 512-byte logical blocks: ({size_gb} GiB)
[    2.046931] EXT4-fs (sda1): mounted filesystem with ordered data mode. Quota mode: none.
[    2.873610] systemd[1]: Detected virtualization google.
[    2.881427] systemd[1]: Hostname set to <{name}>.
{gpu}{ok} Reached target network-online.target - Network is Online.
{ok} Started ssh.service - OpenBSD Secure Shell server.
{ok} Started google-guest-agent.service - Google Compute Engine Guest Agent.
{ok} Starting google-startup-scripts.service - Google Compute Engine Startup Scripts...
"""
_GPU = "[    5.310284] NVRM: loading NVIDIA UNIX x86_64 Kernel Module  580.95.05\n"


class SerialConsole:
    """A file on the boot disk, to which only ever something is added."""

    def __init__(self, boot_disk: Path) -> None:
        self._file = boot_disk / "serial.log"

    def open(self) -> IO[bytes]:
        """To write to."""
        return self._file.open("ab")

    def write(self, text: str) -> None:
        with self.open() as file:
            file.write(text.replace("\n", "\r\n").encode())

    def read(self, start: int) -> tuple[int, str]:
        """What is kept from this byte on, and where it really begins; a negative start counts from the end."""
        content = self._file.read_bytes() if self._file.exists() else b""
        oldest = max(0, len(content) - RETAINED)
        first = max(oldest, len(content) + start if start < 0 else start)
        # JSON has no bytes: Google's answer shows what is no text as replacement characters as well.
        return min(first, len(content)), content[first:].decode(errors="replace")

    @property
    def size(self) -> int:
        """The place of the next byte."""
        return self._file.stat().st_size if self._file.exists() else 0


def boot_lines(spec: MachineSpec) -> str:
    """What a machine like this one prints before its startup script begins."""
    words = {
        # The one that `uname -r` says in the machine.
        "kernel": os.uname().release,
        "memory": spec.memory_gb << 30,
        "memory_mb": spec.memory_gb << 10,
        "cpus": spec.cpus,
        "uuid": f"{spec.boot_disk:032x}",
        "sectors": spec.boot_size_gb << 21,
        "size_gb": spec.boot_size_gb,
        "name": spec.name,
        "gpu": _GPU if spec.gpus else "",
        "ok": _OK,
    }
    return _BOOT.format(**words)
