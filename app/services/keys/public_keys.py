"""Checks of public keys that members add. cryptography checks their numbers; the rules are here.

Not asyncssh: a request would have to import it, while cryptography is loaded anyway.
"""

import base64
import hashlib
import re
from dataclasses import dataclass

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
    load_ssh_public_key,
)

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
_HEADER = re.compile(r"^[^\s:]+: (?:.*\\\n)*.*$", re.MULTILINE)
"""A header line of RFC 4716: a name, a colon and a value, which continues on the next line after a backslash."""
_PRIVATE_MARKS = ("PRIVATE KEY", "PuTTY-User-Key-File")


class PublicKeyError(ValueError):
    """The text is not a public key that workstations accept; the message is a sentence for the member."""


@dataclass(frozen=True)
class PublicKey:
    """A public key without any other pasted text."""

    algorithm: str
    blob: str
    """The second word of the key's line, in base64."""
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
    try:
        return _accept(text)
    except PublicKeyError:
        raise
    except (ValueError, UnsupportedAlgorithm) as error:
        raise PublicKeyError(_why_not(text.split())) from error


def fingerprint(blob: str) -> str:
    """SHA256:… of the second word of a key's line, as `ssh-keygen -lf` prints it."""
    digest = hashlib.sha256(base64.b64decode(blob)).digest()
    return f"SHA256:{base64.b64encode(digest).decode().rstrip('=')}"


def _line(text: str) -> str:
    """The key as a line of a .pub file. Raises ValueError for what is no key in PEM or in the format of RFC 4716."""
    if text.startswith("---- "):
        blob = "".join(_HEADER.sub("", text).splitlines()[1:-1])
        return f"{_algorithm(base64.b64decode(blob, validate=True))} {blob}"
    if text.startswith("--"):
        key = load_pem_public_key(text.encode())
        return key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    return text


def _algorithm(blob: bytes) -> str:
    """The algorithm, which is the first string of the key (RFC 4253)."""
    length = int.from_bytes(blob[:4])
    return blob[4 : 4 + length].decode("ascii", "replace")


def _why_not(words: list[str]) -> str:
    if "-cert-v01@" in words[0]:
        return "This is a certificate. Paste the public key itself."
    if words[0] not in ALGORITHMS and any(word in ALGORITHMS for word in words[1:]):
        return "Remove the text before the key. Options such as command=… are not supported."
    if words[0] in ALGORITHMS:
        return "This public key is damaged or incomplete. Copy the whole line again."
    return "This is not an SSH public key. It must start with ssh-ed25519, ecdsa-sha2-… or ssh-rsa."


def _accept(text: str) -> PublicKey:
    algorithm, written, *_ = [*_line(text).split(), ""]
    blob = base64.b64decode(written, validate=True)
    if _algorithm(blob) != algorithm:
        raise ValueError("the key is of another kind than its line says")
    if algorithm not in ALGORITHMS:
        raise PublicKeyError(f"Keys of type {algorithm} are too weak or not supported. {ADVICE}")
    encoded = base64.b64encode(blob).decode()
    key = load_ssh_public_key(f"{algorithm} {encoded}".encode())
    bits = key.key_size if isinstance(key, RSAPublicKey) else None
    if bits is not None and bits < LEAST_RSA_BITS:
        raise PublicKeyError(
            f"This RSA key is too weak: it has {bits} bits, and at least {LEAST_RSA_BITS} are required. {ADVICE}"
        )
    return PublicKey(algorithm, encoded, fingerprint(encoded))
