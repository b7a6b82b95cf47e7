"""A security key in software: what WebAuthn has a device do with a page's options, and what it never would."""

import hashlib
import html
import json
import re
import secrets
from dataclasses import dataclass, field
from typing import Any

import httpx2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from webauthn import base64url_to_bytes
from webauthn.helpers import bytes_to_base64url, encode_cbor

PRESENT, VERIFIED, HAS_CREDENTIAL = 0x01, 0x04, 0x40
DOMAIN = "portal.test"
ORIGIN = f"https://{DOMAIN}"


def _key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@dataclass
class Authenticator:
    """A device with one credential, and the browser that it is used with."""

    domain: str = DOMAIN
    origin: str = ORIGIN
    flags: int = PRESENT | VERIFIED
    sign_count: int = 0
    counts: int = 1
    """By how much the counter goes up at each use."""
    credential_id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    private_key: ec.EllipticCurvePrivateKey = field(default_factory=_key)
    public_key: dict[int, Any] | None = None
    """Put in the place of the true one, in COSE's format."""

    def create(self, options: dict[str, Any]) -> dict[str, Any]:
        """What a browser sends for a new credential."""
        public = encode_cbor(self.public_key or self._public_key())
        length = len(self.credential_id).to_bytes(2, "big")
        data = self._data(HAS_CREDENTIAL) + bytes(16) + length + self.credential_id + public
        attestation = encode_cbor({"fmt": "none", "attStmt": {}, "authData": data})
        client = self._client("webauthn.create", options["challenge"])
        return self._sent(clientDataJSON=client, attestationObject=attestation)

    def use(self, options: dict[str, Any]) -> dict[str, Any]:
        """What a browser sends for a use of it."""
        self.sign_count += self.counts
        client, data = self._client("webauthn.get", options["challenge"]), self._data()
        signature = self.private_key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        return self._sent(clientDataJSON=client, authenticatorData=data, signature=signature)

    def _public_key(self) -> dict[int, Any]:
        numbers = self.private_key.public_key().public_numbers()
        return {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}

    def _data(self, more: int = 0) -> bytes:
        domain = hashlib.sha256(self.domain.encode()).digest()
        return domain + bytes([self.flags | more]) + self.sign_count.to_bytes(4, "big")

    def _client(self, kind: str, challenge: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin}).encode()

    def _sent(self, **response: bytes) -> dict[str, Any]:
        own_id = bytes_to_base64url(self.credential_id)
        texts = {name: bytes_to_base64url(value) for name, value in response.items()}
        return {"id": own_id, "rawId": own_id, "type": "public-key", "response": {**texts, "transports": ["usb", "x"]}}


def options_of(page: httpx2.Response) -> dict[str, Any]:
    """What a page asks a security key for."""
    found: dict[str, Any] = json.loads(html.unescape(re.findall(r'data-options="([^"]*)"', page.text)[0]))
    assert len(base64url_to_bytes(found["challenge"])) == 32
    return found


async def add_key(browser: httpx2.AsyncClient, device: Authenticator, name: str = "blue") -> httpx2.Response:
    """Add it to the account of whoever is signed in, freshly."""
    made = device.create(options_of(await browser.get("/account/security-keys/new")))
    return await browser.post("/account/security-keys", data={"name": name, "response": json.dumps(made)})


async def use_key(browser: httpx2.AsyncClient, device: Authenticator, next: str = "/account") -> httpx2.Response:  # noqa: A002 - the field's name
    """Confirm with it that it is them."""
    page = await browser.get("/sign-in", params={"next": next})
    return await send_use(browser, device.use(options_of(page)), next)


async def send_use(browser: httpx2.AsyncClient, response: object, next: str = "/account") -> httpx2.Response:  # noqa: A002 - the field's name
    """Whatever a browser claims that a security key has said."""
    text = response if isinstance(response, str) else json.dumps(response)
    return await browser.post("/sign-in/security-key", data={"next": next, "response": text})
