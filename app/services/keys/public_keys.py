"""What a pasted public key is, and why it is not taken. Parsing is asyncssh's; the rules are here."""

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
ADVICE = "Make one with: ssh-keygen -t ed25519"
_PRIVATE_MARKS = ("PRIVATE KEY", "PuTTY-User-Key-File")


class PublicKeyError(ValueError):
    """The text is no public key that workstations take; the message is a sentence for who pasted it."""


@dataclass(frozen=True)
class PublicKey:
    """A public key written anew from its numbers, so that nothing else that was pasted lives on."""

    algorithm: str
    blob: str
    """The second word of its line: base64."""
    fingerprint: str
    """SHA256:…, as `ssh-keygen -lf` prints it."""

    def line(self, comment: str) -> str:
        """As in a .pub file."""
        return f"{self.algorithm} {self.blob} {comment}"


def is_private(pasted: str) -> bool:
    """Whether a private key was pasted by mistake: it must not be shown again, logged or kept."""
    return any(mark in pasted for mark in _PRIVATE_MARKS)


def identity(line: str) -> str:
    """The key in a line as `PublicKey.line` makes it: without its comment, which says nothing of who gets in."""
    algorithm, blob, *_ = line.split()
    return f"{algorithm} {blob}"


def parse(pasted: str) -> PublicKey:
    """The key in what was pasted; raises PublicKeyError with a sentence."""
    text = pasted.strip()
    if is_private(text):
        raise PublicKeyError(
            "This is a private key. Never give it to anybody, not even to Stationmaster (it was not kept):"
            " paste the public half, the one line in the file that ends in .pub."
        )
    if not text:
        raise PublicKeyError("Paste a public key: the one line in a file such as ~/.ssh/id_ed25519.pub.")
    if len(text) > MOST_CHARACTERS:
        raise PublicKeyError("This is too long for a public key.")
    if not text.startswith("--") and len(text.splitlines()) > 1:
        raise PublicKeyError("Paste one key at a time: a public key is one line.")
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
        return "Leave out what comes before the key: options such as command=… are not taken."
    if words[0] in ALGORITHMS:
        return "This public key is damaged or cut off. Copy the whole line again."
    return "This is no SSH public key. It is one line that begins with ssh-ed25519, ecdsa-sha2-… or ssh-rsa."


def _accept(key: Any) -> PublicKey:
    algorithm = key.get_algorithm()
    if algorithm not in ALGORITHMS:
        raise PublicKeyError(f"Keys of the type {algorithm} are too weak, or no machine takes them. {ADVICE}")
    bits = key.pyca_key.key_size if algorithm == "ssh-rsa" else None
    if bits is not None and bits < LEAST_RSA_BITS:
        raise PublicKeyError(
            f"This RSA key has {bits} bits, which is too weak: at least {LEAST_RSA_BITS}, better 3072. {ADVICE}"
        )
    return PublicKey(algorithm, key.export_public_key("openssh").decode().split()[1], key.get_fingerprint())
