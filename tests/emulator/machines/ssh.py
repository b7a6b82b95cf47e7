"""The real OpenSSH client, told where everything is: it takes no file of the person who runs the tests."""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

PORT = 2222


@dataclass(frozen=True)
class Key:
    path: Path

    @property
    def public(self) -> str:
        return self.path.with_suffix(".pub").read_text().strip()


def make_key(path: Path) -> Key:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "grace@laptop", "-f", path], check=True)
    return Key(path)


@dataclass(frozen=True)
class Ssh:
    """As `user` on one machine, with strict checking of its host key."""

    address: str
    host_key: str
    key: Key
    folder: Path
    user: str = "grace"
    offers_agents_keys: bool = False
    """Whether it offers all keys of the agent, before its own."""

    @property
    def options(self) -> list[str]:
        known_hosts = self.folder / f"known_hosts.{self.address}"
        known_hosts.write_text(f"[{self.address}]:{PORT} ssh-ed25519 {self.host_key}\n")
        settings = {
            "IdentityFile": self.key.path,
            "IdentitiesOnly": "no" if self.offers_agents_keys else "yes",
            "UserKnownHostsFile": known_hosts,
            "GlobalKnownHostsFile": "/dev/null",
            "StrictHostKeyChecking": "yes",
            "PasswordAuthentication": "no",
            "BatchMode": "yes",
            "ConnectTimeout": "10",
        }
        return ["-F", "none", *(part for name, value in settings.items() for part in ("-o", f"{name}={value}"))]

    @property
    def login(self) -> str:
        return f"{self.user}@{self.address}"

    def command(self, *command: str, options: Sequence[str] = ()) -> list[str]:
        return ["ssh", *self.options, "-p", str(PORT), *options, self.login, *command]

    def run(
        self, *command: str, options: Sequence[str] = (), sent: bytes = b""
    ) -> "subprocess.CompletedProcess[bytes]":
        argv = self.command(*command, options=options)
        return subprocess.run(argv, input=sent, capture_output=True, timeout=60, check=False)

    def out(self, *command: str, options: Sequence[str] = ()) -> str:
        """What it printed; fails with what it complained of."""
        done = self.run(*command, options=options)
        assert done.returncode == 0, (done.returncode, done.stdout, done.stderr)
        return done.stdout.decode().strip()

    def copy(self, source: str | Path, target: str | Path, *options: str) -> None:
        """scp; `HOST:` in either path stands for the machine."""
        paths = [str(path).replace("HOST:", f"{self.login}:") for path in (source, target)]
        argv = ["scp", "-q", *self.options, "-P", str(PORT), *options, *paths]
        done = subprocess.run(argv, capture_output=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
