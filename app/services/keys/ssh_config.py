"""The files with which `ssh NAME` works: ssh_compute_config and ssh_known_hosts, as text."""

import shlex
from collections.abc import Iterable

import jinja2

from app.models import SshKey, Workstation
from app.services.keys import public_keys

FOLDER = "~/.ssh/stationmaster"
"""The folder of the files. OpenSSH expands ~ itself, so the configuration works from any folder."""
KNOWN_HOSTS = f"{FOLDER}/known_hosts"
DEFAULT_IDENTITIES = ("~/.ssh/id_ed25519", "~/.ssh/id_ecdsa", "~/.ssh/id_rsa")

_CONFIG = jinja2.Environment(trim_blocks=True, lstrip_blocks=True, autoescape=False).from_string(  # noqa: S701 - not HTML
    """\
# Stationmaster: add `Include {{ folder }}/config` to the top of ~/.ssh/config.
{% for workstation in workstations %}

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
{% endfor %}
"""
)


def compute_config(workstations: Iterable[Workstation], keys: list[SshKey], port: int) -> str:
    """An OpenSSH client configuration with one Host for each workstation that is running."""
    return _CONFIG.render(
        workstations=[workstation for workstation in workstations if workstation.can_connect],
        identities=identity_files(keys),
        port=port,
        folder=FOLDER,
        known_hosts=KNOWN_HOSTS,
    )


def identity_files(keys: list[SshKey]) -> list[str]:
    """The files that ssh tries as private keys: one named after each key and, for imported keys, OpenSSH's defaults."""
    files = [f"{FOLDER}/{key.name}" for key in keys]
    imported = any(not key.has_private_half for key in keys)
    # An IdentityFile replaces the client's defaults, where an imported key's private key most likely is.
    return files + list(DEFAULT_IDENTITIES if imported else ())


def known_hosts(workstations: Iterable[Workstation], port: int) -> str:
    """The host keys of the workstations, in the format of ~/.ssh/known_hosts."""
    lines = [
        f"{_host(workstation.address or '', port)} {algorithm} {key}\n"
        for workstation in workstations
        if workstation.can_connect
        for algorithm, key in sorted(workstation.host_keys.items())
    ]
    return "".join(lines)


def forget_command(workstation: Workstation, port: int) -> str:
    """The command that removes stored host keys of this workstation's address from the file that ssh reads them in."""
    return f"ssh-keygen -R {shlex.quote(_host(workstation.address or '', port))} -f {KNOWN_HOSTS}"


def _host(address: str, port: int) -> str:
    """OpenSSH writes a port other than 22 as [address]:port."""
    return address if port == 22 else f"[{address}]:{port}"


def fingerprints(workstation: Workstation) -> list[tuple[str, str]]:
    """Algorithm and SHA256 fingerprint of each host key, as ssh shows them when it asks for confirmation."""
    return [(algorithm, public_keys.fingerprint(key)) for algorithm, key in sorted(workstation.host_keys.items())]
