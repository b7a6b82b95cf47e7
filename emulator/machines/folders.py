"""The files of machines: a folder for each disk, named by its number, that lives as long as the disk."""

import shutil
from collections.abc import Iterable
from importlib import resources
from pathlib import Path

PROGRAMS = "home/.machine/bin"
PROFILE = """# ~/.profile: read by login shells
[ -n "$BASH_VERSION" ] && [ -f ~/.bashrc ] && . ~/.bashrc
"""
BASHRC = """# ~/.bashrc: read by interactive shells
[ -z "$PS1" ] && return
PS1='\\u@\\h:\\w\\$ '
alias ls='ls --color=auto'
"""


def prepare_boot_disk(folder: Path, users: Iterable[str], gpu: tuple[str, int]) -> None:
    """What a fresh image holds; leaves alone what is there already."""
    for name in ("home", "tmp", PROGRAMS):
        (folder / name).mkdir(parents=True, exist_ok=True, mode=0o700)
    write_users(folder, users)
    _install(folder, "sudo", {})
    if gpu[1]:
        _install(folder, "nvidia-smi", {"@GPU@": gpu[0], "@COUNT@": str(gpu[1])})


def prepare_data_disk(folder: Path) -> Path:
    """Its files' folder; what the startup script's mount leaves: writable for all."""
    files = folder / "files"
    if not files.exists():
        files.mkdir(parents=True)
        files.chmod(0o777)
    return files


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


def doomed(folder: Path, kept: set[int]) -> list[Path]:
    """The folders of disks that are no more."""
    return [entry for entry in folder.iterdir() if entry.name.isdecimal() and int(entry.name) not in kept]


def remove(folders: Iterable[Path]) -> None:
    """Takes as long as there are files; what cannot be removed is tried again at the next start."""
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


def _host_users(hidden: set[str]) -> list[str]:
    lines = Path("/etc/passwd").read_text(errors="replace").splitlines()
    return [line for line in lines if line.partition(":")[0] not in hidden]


def _install(folder: Path, program: str, words: dict[str, str]) -> None:
    text = resources.files(__package__).joinpath("programs", f"{program}.sh").read_text()
    for word, value in words.items():
        text = text.replace(word, value)
    path = folder / PROGRAMS / program
    path.write_text(text)
    path.chmod(0o755)
