"""Checks of public keys that members add. asyncssh parses them; the rules are here."""

from dataclasses import dataclass
from typing import Any

MOST_CHARACTERS = 16_384
ALGORITHMS = {
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "ssh-rsa",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
}
LEAST_RSA_BITS = 2048
ADVICE = "Create one with: ssh-keygen -t ed25519"
_PRIVATE_MARKS = ("PRIVATE KEY", "PuTTY-User-Key-File")


class PublicKeyError(ValueError):
    """The text is not a public key that workstations accept; the message is a sentence for the member."""


@dataclass(frozen=True)
class PublicKey:
    """A public key, rebuilt from its parsed numbers so that no other pasted text is kept."""

    algorithm: str
    blob: str
    """The second word of its line: base64."""
    fingerprint: str
    """SHA256:…, as `ssh-keygen -lf` prints it."""

    def line(self, comment: str) -> str:
        """The key as one line of a .pub file."""
        return f"{self.algorithm} {self.blob} {comment}"


def is_private(pasted: str) -> bool:
    """Whether a private key was pasted by mistake. It must not be shown again, logged or stored."""
    return any(mark in pasted for mark in _PRIVATE_MARKS)


def identity(line: str) -> str:
    """The key in a line of a .pub file, without its comment: two lines with the same identity are the same key."""
    algorithm, blob, *_ = line.split()
    return f"{algorithm} {blob}"


def parse(pasted: str) -> PublicKey:
    """The public key in the text that a member pasted. Raises PublicKeyError."""
    text = pasted.strip()
    if is_private(text):
        raise PublicKeyError(
            "This is a private key. Do not share it with anyone. It was not stored."
            " Paste the public key: the line in the file that ends in .pub."
        )
    if not text:
        raise PublicKeyError("Paste a public key: the line in a file such as ~/.ssh/id_ed25519.pub.")
    if len(text) > MOST_CHARACTERS:
        raise PublicKeyError("This is too long for a public key.")
    if not text.startswith("--") and len(text.splitlines()) > 1:
        raise PublicKeyError("Paste one key at a time. A public key is a single line.")
    return _accept(_import(text))


def _import(text: str) -> Any:
    # Late: the web process is lean until somebody adds a key.
    import asyncssh

    try:
        return asyncssh.import_public_key(text)
    except asyncssh.KeyImportError as error:
        raise PublicKeyError(_why_not(text.split())) from error


def _why_not(words: list[str]) -> str:
    if "-cert-v01@" in words[0]:
        return "This is a certificate. Paste the public key itself."
    if words[0] not in ALGORITHMS and any(word in ALGORITHMS for word in words[1:]):
        return "Remove the text before the key. Options such as command=… are not supported."
    if words[0] in ALGORITHMS:
        return "This public key is damaged or incomplete. Copy the whole line again."
    return "This is not an SSH public key. It must start with ssh-ed25519, ecdsa-sha2-… or ssh-rsa."


def _accept(key: Any) -> PublicKey:
    algorithm = key.get_algorithm()
    if algorithm not in ALGORITHMS:
        raise PublicKeyError(f"Keys of type {algorithm} are too weak or not supported. {ADVICE}")
    bits = key.pyca_key.key_size if algorithm == "ssh-rsa" else None
    if bits is not None and bits < LEAST_RSA_BITS:
        raise PublicKeyError(
            f"This RSA key is too weak: it has {bits} bits, and at least {LEAST_RSA_BITS} are required. {ADVICE}"
        )
    return PublicKey(algorithm, key.export_public_key("openssh").decode().split()[1], key.get_fingerprint())
