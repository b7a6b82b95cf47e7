"""The files with which `ssh NAME` works: ssh_compute_config and ssh_known_hosts, as text."""

import shlex
from collections.abc import Iterable, Sequence

import jinja2

from app.models import SshKey, Workstation
from app.services.keys import public_keys

FOLDER = "~/.ssh/stationmaster"
"""The folder of the files. OpenSSH expands ~ itself, so the configuration works from any folder."""
KNOWN_HOSTS = f"{FOLDER}/known_hosts"
INCLUDE = f"Include {FOLDER}/config"
"""The line that belongs at the top of ~/.ssh/config."""
DEFAULT_IDENTITIES = ("~/.ssh/id_ed25519", "~/.ssh/id_ecdsa", "~/.ssh/id_rsa")

_HOST = jinja2.Environment(trim_blocks=True, lstrip_blocks=True, autoescape=False).from_string(  # noqa: S701 - not HTML
    """\
Host {{ workstation.name }}
    HostName {{ workstation.address }}
{% if port != 22 %}
    Port {{ port }}
{% endif %}
    User {{ workstation.ssh_username }}
{% for identity in identities %}
    IdentityFile {{ identity }}
{% endfor %}
    IdentitiesOnly yes
    UserKnownHostsFile {{ known_hosts }}
    StrictHostKeyChecking yes
"""
)


def compute_config(workstations: Iterable[Workstation], keys: Sequence[SshKey], port: int) -> str:
    """An OpenSSH client configuration with one Host for each workstation that has an address."""
    hosts = [_host(workstation, keys, port) for workstation in workstations if workstation.is_in_ssh_files]
    return f"# Stationmaster: add `{INCLUDE}` to the top of ~/.ssh/config.\n" + "".join(f"\n{host}\n" for host in hosts)


def _host(workstation: Workstation, keys: Sequence[SshKey], port: int) -> str:
    return _HOST.render(workstation=workstation, identities=identity_files(keys), port=port, known_hosts=KNOWN_HOSTS)


def identity_files(keys: Sequence[SshKey]) -> list[str]:
    """The files that ssh tries as private keys: one named after each key and, for imported keys, OpenSSH's defaults."""
    files = [f"{FOLDER}/{key.name}" for key in keys]
    imported = any(not key.has_private_half for key in keys)
    # An IdentityFile replaces the client's defaults, where an imported key's private key most likely is.
    return files + list(DEFAULT_IDENTITIES if imported else ())


def known_hosts(workstations: Iterable[Workstation], port: int) -> str:
    """The host keys of the workstations, in the format of ~/.ssh/known_hosts."""
    return "".join(_host_keys(workstation, port) for workstation in workstations if workstation.is_in_ssh_files)


def _host_keys(workstation: Workstation, port: int) -> str:
    address = _address(workstation, port)
    return "".join(f"{address} {algorithm} {key}\n" for algorithm, key in sorted(workstation.host_keys.items()))


def lacks(files: str, workstation: Workstation, keys: Sequence[SshKey], port: int) -> bool:
    """Whether these files, config and known hosts, do not lead to a workstation as it is now."""
    parts = _host(workstation, keys, port), _host_keys(workstation, port)
    return workstation.is_in_ssh_files and not all(part in files for part in parts)


def forget_command(workstation: Workstation, port: int) -> str:
    """The command that removes stored host keys of this workstation's address from the file that ssh reads them in."""
    return f"ssh-keygen -R {shlex.quote(_address(workstation, port))} -f {KNOWN_HOSTS}"


def _address(workstation: Workstation, port: int) -> str:
    """OpenSSH writes a port other than 22 as [address]:port."""
    address = workstation.address or ""
    return address if port == 22 else f"[{address}]:{port}"


def fingerprints(workstation: Workstation) -> list[tuple[str, str]]:
    """Algorithm and SHA256 fingerprint of each host key, as ssh shows them when it asks for confirmation."""
    return [(algorithm, public_keys.fingerprint(key)) for algorithm, key in sorted(workstation.host_keys.items())]
