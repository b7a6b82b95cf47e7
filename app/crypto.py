"""Encryption of stored data (states, plans, passwords), and hashes of bearer secrets (sessions, tokens)."""

import base64
import hashlib
import secrets
from collections.abc import Sequence
from contextlib import suppress

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


class Vault:
    """Encrypts values for the database. The newest key encrypts, and all keys decrypt, so that keys can be rotated.

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
        """Decrypt. Raises cryptography.fernet.InvalidToken if no key can."""
        return self._fernet.decrypt(sealed)

    def key_of(self, sealed: bytes) -> int:
        """The number of the key that decrypts a value; 0 is the newest. Raises cryptography.fernet.InvalidToken if
        none does."""
        for number, fernet in enumerate(self._fernets):
            with suppress(InvalidToken):
                fernet.decrypt(sealed)
                return number
        raise InvalidToken

    def reseal(self, sealed: bytes) -> bytes:
        """The value encrypted with the newest key. Raises as `open` does."""
        return self._fernet.rotate(sealed)

    def derive(self, purpose: str) -> str:
        """A secret derived for one purpose, such as signing cookies, so that it needs no setting."""
        key = base64.urlsafe_b64decode(self._newest)
        derived = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=purpose.encode()).derive(key)
        return derived.hex()


def new_secret() -> str:
    """A bearer secret with 256 bits of randomness."""
    return secrets.token_urlsafe(32)


def fingerprint(key: str) -> str:
    """The name of an encryption key for people."""
    return digest(key)[:8]


def digest(secret: str) -> str:
    """The hash of a bearer secret for the database."""
    # Plain SHA-256 is enough: the secret is random, so it cannot be guessed from its hash.
    return hashlib.sha256(secret.encode()).hexdigest()
