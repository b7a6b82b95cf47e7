"""What goes wrong in a running machine: files that its programs, and its SSH server, heed."""

from pathlib import Path

TROUBLES = {
    "fill-disk": "fills /home/jupyter of running machines to so many percent",
    "fill-boot-disk": "fills / of running machines to so many percent",
    "break-driver": "the GPU driver of running machines fails, as after an upgrade of the kernel",
    "low-memory": "running machines have almost no memory left",
    "oom-kill": "Linux ends a process of running machines to free memory",
    "block-ssh": "port 22 of running machines does not answer until they are restarted",
    "mend": "undoes all of these in running machines",
}
"""Trouble → its meaning, for the emulator's page."""
PERCENT = 97
"""How full a disk becomes if nobody says it."""
_VICTIM = "Out of memory: Killed process {pid} (python3) total-vm:20971520kB, anon-rss:15728640kB, oom_score_adj:0"
_BROKEN, _BLOCKED, _BALLAST, _LOG = "driver.broken", "ssh.blocked", "ballast", "kernel-log"


def boot(machine: Path, memory_gb: int) -> None:
    """What a boot mends, and begins to count anew. `machine` is its folder MACHINE on the boot disk."""
    (machine / _BLOCKED).unlink(missing_ok=True)
    (machine / _LOG).write_text("")
    (machine / "memory").write_text(str(memory_gb))
    _set_memory(machine)
    _set_kills(machine, 0)


def happen(trouble: str, machine: Path, data_disk: Path | None, percent: int = PERCENT) -> str:
    """Let one of TROUBLES happen; returns what the kernel says of it on the serial console, which may be nothing."""
    match trouble:
        case "fill-disk" if data_disk:
            _fill(data_disk, int((data_disk / "device").stat().st_size), percent)
        case "fill-boot-disk":
            _fill(machine, int((machine / "size").read_text()), percent)
        case "break-driver":
            (machine / _BROKEN).touch()
        case "low-memory":
            _set_memory(machine, available=0.02, pressure=31.0)
        case "block-ssh":
            (machine / _BLOCKED).touch()
        case "oom-kill":
            return _kill(machine)
        case "mend":
            _mend(machine, data_disk)
    return ""


def is_ssh_blocked(machine: Path) -> bool:
    return (machine / _BLOCKED).exists()


def _fill(folder: Path, size: int, percent: int) -> None:
    # Rounded up: less than 96 percent would be reported as 95.
    (folder / _BALLAST).write_text(str(-(-size * percent // 100)))


def _kill(machine: Path) -> str:
    kills = int((machine / "proc/vmstat").read_text().split()[1]) + 1
    said = _VICTIM.format(pid=4200 + kills)
    with (machine / _LOG).open("a") as log:
        log.write(f"{said}\n")
    _set_kills(machine, kills)
    return said


def _mend(machine: Path, data_disk: Path | None) -> None:
    for name in (_BROKEN, _BLOCKED, _BALLAST):
        (machine / name).unlink(missing_ok=True)
    if data_disk:
        (data_disk / _BALLAST).unlink(missing_ok=True)
    _set_memory(machine)


def _set_memory(machine: Path, *, available: float = 0.8, pressure: float = 0.0) -> None:
    total = int((machine / "memory").read_text()) << 20
    lines = f"MemTotal: {total} kB\nMemAvailable: {int(total * available)} kB\n"
    (machine / "proc/meminfo").write_text(lines)
    share = f"avg10={pressure:.2f} avg60={pressure:.2f} avg300=0.00 total=0"
    (machine / "proc/pressure/memory").write_text(f"some {share}\nfull {share}\n")


def _set_kills(machine: Path, kills: int) -> None:
    (machine / "proc/vmstat").write_text(f"oom_kill {kills}\n")
