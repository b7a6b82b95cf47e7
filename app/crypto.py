"""Encryption at rest (states, plans, passwords) and hashes of bearer secrets (sessions, tokens)."""

import base64
import hashlib
import secrets
from collections.abc import Sequence
from contextlib import suppress

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


class Vault:
    """Encrypts bytes for the database. The first key encrypts; every key decrypts, so keys can be rotated.

    :param keys: Fernet keys (32 bytes, URL-safe base64), newest first.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        self._fernets = [Fernet(key) for key in keys]
        self._fernet = MultiFernet(self._fernets)
        self._newest = keys[0]

    def seal(self, plain: bytes) -> bytes:
        """Encrypt and authenticate."""
        return self._fernet.encrypt(plain)

    def open(self, sealed: bytes) -> bytes:
        """Decrypt; raises cryptography.fernet.InvalidToken when no key fits."""
        return self._fernet.decrypt(sealed)

    def key_of(self, sealed: bytes) -> int:
        """Which key opens it: 0 is the newest. Raises cryptography.fernet.InvalidToken when none does."""
        for number, fernet in enumerate(self._fernets):
            with suppress(InvalidToken):
                fernet.decrypt(sealed)
                return number
        raise InvalidToken

    def reseal(self, sealed: bytes) -> bytes:
        """The same content, encrypted with the newest key. Raises as `open` does."""
        return self._fernet.rotate(sealed)

    def derive(self, purpose: str) -> str:
        """A secret of its own for one purpose (cookie signing), so that no other setting is needed."""
        key = base64.urlsafe_b64decode(self._newest)
        derived = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=purpose.encode()).derive(key)
        return derived.hex()


def new_secret() -> str:
    """A bearer secret with 256 bits of randomness."""
    return secrets.token_urlsafe(32)


def fingerprint(key: str) -> str:
    """What an encryption key is called where people read of it."""
    return digest(key)[:8]


def digest(secret: str) -> str:
    """What is stored of a bearer secret: a plain SHA-256 does, since the secret has full entropy."""
    return hashlib.sha256(secret.encode()).hexdigest()
