"""The files of machines, in a folder for each disk, which is named by the disk's number."""

import os
import shutil
import uuid
from collections.abc import Iterable
from importlib import resources
from pathlib import Path

from emulator.machines import troubles, workloads
from emulator.machines.sandbox import SEARCH_PATH

MACHINE = "home/.machine"
"""The machine's own files on the boot disk. Within the machine, they are at /home/.machine."""
PROGRAMS = f"{MACHINE}/bin"
SSH_KEYS = f"{MACHINE}/etc/ssh"
MOTD = f"{MACHINE}/etc/update-motd.d"
PROFILE_PARTS = f"{MACHINE}/etc/profile.d"
STAND_INS = {
    "disk": ("blkid", "blockdev", "df", "findmnt", "lsblk", "mkfs.ext4", "mount", "resize2fs", "umount", "wipefs"),
    "systemd": ("reboot", "systemctl", "systemd-run", "udevadm"),
    "curl": ("curl",),
    "logins": ("journalctl", "loginctl", "who"),
    "kernel": ("apt-get", "dkms", "dmesg", "modprobe"),
    "sudo": ("sudo",),
    "wall": ("wall",),
}
"""Program in programs/ → the commands that it replaces."""
NVIDIA = "0x10de"
PROFILE = """# ~/.profile: read by login shells
[ -n "$BASH_VERSION" ] && [ -f ~/.bashrc ] && . ~/.bashrc
"""
SYSTEM_PROFILE = f"""# /etc/profile: read by login shells, in place of this computer's
export PATH=/{PROGRAMS}:{SEARCH_PATH}
[ -z "$PS1" ] || [ ! -f /{MACHINE}/etc/bash.bashrc ] || . /{MACHINE}/etc/bash.bashrc
for part in /{PROFILE_PARTS}/*.sh; do [ ! -r "$part" ] || . "$part"; done
unset part
"""
BASHRC = """# ~/.bashrc: read by interactive shells
[ -z "$PS1" ] && return
PS1='\\u@\\h:\\w\\$ '
alias ls='ls --color=auto'
"""


def prepare_boot_disk(
    folder: Path, users: Iterable[str], gpu: tuple[str, int], size_gb: int, memory_gb: int = 16
) -> None:
    """The contents of a fresh image. Keeps existing files, except those that every boot starts without.

    :param size_gb: its file system grows to it at a boot, as Google's images do.
    """
    for name in (
        "home",
        "tmp",
        PROGRAMS,
        SSH_KEYS,
        MOTD,
        PROFILE_PARTS,
        f"{MACHINE}/pci/0",
        f"{MACHINE}/proc/pressure",
    ):
        (folder / name).mkdir(parents=True, exist_ok=True, mode=0o700)
    write_users(folder, users)
    (folder / "profile").write_text(SYSTEM_PROFILE)
    machine = folder / MACHINE
    (machine / "etc/fstab").touch()
    (machine / "etc/bash.bashrc").touch()
    (machine / "mounts").write_text("")
    (machine / "size").write_text(str(size_gb << 30))
    (machine / "mount.fails").unlink(missing_ok=True)
    troubles.boot(machine, memory_gb)
    shutil.rmtree(machine / "run", ignore_errors=True)
    workloads.boot(machine)
    (machine / "pci/0/vendor").write_text(NVIDIA if gpu[1] else "")
    for program, names in STAND_INS.items():
        _install(folder, program, {}, *names)
    if gpu[1]:
        _install(folder, "nvidia-smi", {"@GPU@": gpu[0], "@COUNT@": str(gpu[1])}, "nvidia-smi")


def prepare_data_disk(folder: Path, size_gb: int) -> None:
    """A blank disk of this size, or the one there is, made larger where it is smaller. See programs/disk.sh."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "device").open("ab") as device:
        os.truncate(device.fileno(), max(device.tell(), size_gb << 30))
    if (folder / "files").exists() and not (folder / "holds").exists():
        # Of an emulator that formatted nothing.
        (folder / "holds").write_text(f"ext4 {uuid.uuid4()}\n")
        (folder / "grown").write_text(str(size_gb << 30))


def fail_next_mount(boot_disk: Path, message: str) -> None:
    """Copy the files of a disk."""
    (boot_disk / MACHINE / "mount.fails").write_text(message)


def copy_data_disk(source: Path, folder: Path) -> None:
    """Copies it as it is now. Takes as long as there are files."""
    if source.exists() and not folder.exists():
        # Nothing is ever written into `device`; a copy of it would be as large as it looks.
        shutil.copytree(source, folder, symlinks=True, ignore=lambda path, _: {"device"} if path == str(source) else ())


def size_of(folder: Path) -> int:
    """Bytes of the files on a disk: what a snapshot of it takes, as nothing is compressed here."""
    return sum(path.lstat().st_size for path in (folder / "files").rglob("*") if path.is_file())


def write_users(folder: Path, users: Iterable[str]) -> None:
    """The machine's passwd: its users are all the one user that a user namespace has, number 0."""
    names = sorted(users)
    for name in names:
        prepare_home(folder, name)
    lines = [f"{name}:x:0:0::/home/{name}:/bin/bash" for name in names]
    # Written in place: it is bind-mounted, and a new file would not show.
    with (folder / "passwd").open("w") as passwd:
        passwd.write("\n".join([*lines, *_host_users(set(names))]) + "\n")


def prepare_home(folder: Path, user: str) -> Path:
    home = folder / "home" / user
    if not home.exists():
        home.mkdir(mode=0o750)
        (home / ".profile").write_text(PROFILE)
        (home / ".bashrc").write_text(BASHRC)
    return home


def unused_folders(folder: Path, kept: set[int]) -> list[Path]:
    """Delete folders. Those that cannot be deleted are tried again at the next start."""
    return [entry for entry in folder.iterdir() if entry.name.isdecimal() and int(entry.name) not in kept]


def remove(folders: Iterable[Path]) -> None:
    """Takes as long as there are files; what cannot be removed is tried again at the next start."""
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


def _host_users(hidden: set[str]) -> list[str]:
    lines = Path("/etc/passwd").read_text(errors="replace").splitlines()
    return [line for line in lines if line.partition(":")[0] not in hidden]


def _install(folder: Path, program: str, words: dict[str, str], *names: str) -> None:
    text = resources.files(__package__).joinpath("programs", f"{program}.sh").read_text()
    for word, value in words.items():
        text = text.replace(word, value)
    for name in names:
        path = folder / PROGRAMS / name
        path.write_text(text)
        path.chmod(0o755)
