"""SSH files as what a computer installs them from: a shell script, a PowerShell script, or an archive."""

import io
import shlex
import tarfile
from datetime import datetime
from pathlib import Path

import jinja2

from app.services.keys import ssh_config
from app.services.workstations.ssh_setups import SshFiles

ARCHIVE = "stationmaster-ssh.tar.gz"
FOLDERS = (".ssh", ".ssh/stationmaster")
POWERSHELL_QUOTES = "'\u2018\u2019\u201a\u201b"
"""All of them end a string in PowerShell."""


def shell_script(files: SshFiles) -> str:
    """For any POSIX shell."""
    return _render("install.sh", files)


def powershell_script(files: SshFiles) -> str:
    """For Windows PowerShell 5.1 and later."""
    return _render("install.ps1", files)


def shell_command(public_url: str, token: str) -> str:
    """The line that fetches and runs the shell script."""
    # In a header and not in the address, which servers and proxies log.
    return f'curl -fsS -H "Authorization: Bearer {token}" {public_url}/ssh-setup.sh | sh'


def powershell_command(public_url: str, token: str) -> str:
    """The line that fetches and runs the PowerShell script."""
    return f'irm {public_url}/ssh-setup.ps1 -Headers @{{Authorization="Bearer {token}"}} | iex'


def archive(files: SshFiles, now: datetime) -> bytes:
    """A compressed tar archive to unpack in the home folder. Only its owner can read the files."""
    contents = io.BytesIO()
    with tarfile.open(fileobj=contents, mode="w:gz") as tar:
        for folder in FOLDERS:
            entry = _entry(folder, 0o700, now)
            entry.type = tarfile.DIRTYPE
            tar.addfile(entry)
        for name, text in files.texts.items():
            entry = _entry(f"{FOLDERS[-1]}/{name}", 0o600, now)
            entry.size = len(text.encode())
            tar.addfile(entry, io.BytesIO(text.encode()))
    return contents.getvalue()


def _entry(name: str, mode: int, now: datetime) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.mode, entry.mtime = mode, int(now.timestamp())
    return entry


def _in_powershell(text: str) -> str:
    for quote in POWERSHELL_QUOTES:
        text = text.replace(quote, quote * 2)
    return f"'{text}'"


def _summary(files: SshFiles) -> str:
    commands = ", ".join(f"ssh {host}" for host in files.hosts)
    return f"SSH is set up. Connect with: {commands}" if commands else "SSH is set up. No workstation is running yet."


def _render(name: str, files: SshFiles) -> str:
    return _scripts.get_template(name).render(files=files, include=ssh_config.INCLUDE, summary=_summary(files))


_scripts = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).resolve().parent.parent / "templates" / "ssh_setup"),
    autoescape=False,  # noqa: S701 - not HTML; the filters below quote what is put in
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    keep_trailing_newline=True,
)
_scripts.filters.update(sh=shlex.quote, powershell=_in_powershell)
