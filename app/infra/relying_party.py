"""WebAuthn: what the portal asks browsers for, and whether a security key's response is right."""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import urlsplit

import pydantic_core
import structlog
import webauthn
from cryptography.exceptions import UnsupportedAlgorithm
from webauthn.helpers import (
    base64url_to_bytes,
    decode_credential_public_key,
    decoded_public_key_to_cryptography,
    parse_authentication_credential_json,
    parse_registration_credential_json,
)
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from app.config import Settings
from app.errors import InvalidError

NAME = "Stationmaster"
TIMEOUT_SECONDS = 300
LONGEST_ID = 1023
"""The limit in WebAuthn, in bytes."""
LONGEST_PUBLIC_KEY = 4096
# The library checks the types of what devices send only in part, and lets Python's own errors through.
_MALFORMED = (WebAuthnException, UnsupportedAlgorithm, ValueError, TypeError, LookupError, AttributeError)

log = structlog.get_logger()


class SecurityKeyFailedError(InvalidError):
    """A security key's response is missing, malformed, for another request, or wrongly signed."""

    code = "security_key_failed"

    def __init__(self, message: str = "The response of the security key could not be verified.") -> None:
        super().__init__(message, hint="Try again.")


@dataclass(frozen=True)
class Credential:
    """A device's credential: how a browser finds it, and what verifies its signatures."""

    id: bytes
    transports: Sequence[str]
    public_key: bytes = field(repr=False)
    sign_count: int = 0


@dataclass(frozen=True)
class RelyingParty:
    """The portal, for browsers that pass its requests on to security keys."""

    domain: str
    origin: str

    @classmethod
    def of(cls, settings: Settings) -> Self | None:
        """The portal at its public URL; None if browsers offer no security keys there."""
        if unavailable_because(settings):
            return None
        url = urlsplit(settings.public_url)
        domain, default = url.hostname or "", 443 if settings.is_https else 80
        port = f":{url.port}" if url.port not in {None, default} else ""
        return cls(domain, f"{url.scheme}://{domain}{port}")

    def creation_options(self, challenge: bytes, user: tuple[str, str, str], known: Sequence[Credential]) -> str:
        """What a browser needs to add a security key, as JSON.

        :param user: ID, email address and name of the member.
        :param known: the member's credentials, which are not to be added again.
        """
        user_id, email, name = user
        return webauthn.options_to_json(
            webauthn.generate_registration_options(
                rp_id=self.domain,
                rp_name=NAME,
                user_id=user_id.encode(),
                user_name=email,
                user_display_name=name,
                challenge=challenge,
                timeout=1000 * TIMEOUT_SECONDS,
                authenticator_selection=AuthenticatorSelectionCriteria(
                    # The portal always names the credentials, so they need no space in the device.
                    resident_key=ResidentKeyRequirement.DISCOURAGED,
                    user_verification=UserVerificationRequirement.REQUIRED,
                ),
                exclude_credentials=_descriptors(known),
            )
        )

    def request_options(self, challenge: bytes, known: Sequence[Credential]) -> str:
        """What a browser needs to have one of these credentials used, as JSON."""
        return webauthn.options_to_json(
            webauthn.generate_authentication_options(
                rp_id=self.domain,
                challenge=challenge,
                timeout=1000 * TIMEOUT_SECONDS,
                allow_credentials=_descriptors(known),
                user_verification=UserVerificationRequirement.REQUIRED,
            )
        )

    def verify_new(self, response: str, challenge: bytes) -> Credential:
        """The credential in a browser's response to `creation_options`. Raises SecurityKeyFailedError."""
        try:
            parsed = parse_registration_credential_json(_json(response))
            verified = webauthn.verify_registration_response(
                credential=parsed,
                expected_challenge=challenge,
                expected_rp_id=self.domain,
                expected_origin=self.origin,
                require_user_verification=True,
            )
            # The library stores any public key, and fails only when it is used.
            decoded_public_key_to_cryptography(decode_credential_public_key(verified.credential_public_key))
        except _MALFORMED as error:
            raise _failed(error) from error
        if len(verified.credential_id) > LONGEST_ID or len(verified.credential_public_key) > LONGEST_PUBLIC_KEY:
            raise SecurityKeyFailedError
        transports = [transport.value for transport in parsed.response.transports or ()]
        return Credential(
            verified.credential_id, sorted(set(transports)), verified.credential_public_key, verified.sign_count
        )

    def verify_use(self, response: str, challenge: bytes, public_key: bytes) -> int:
        """The device's counter in a browser's response to `request_options`. Raises SecurityKeyFailedError."""
        try:
            verified = webauthn.verify_authentication_response(
                credential=_json(response),
                expected_challenge=challenge,
                expected_rp_id=self.domain,
                expected_origin=self.origin,
                credential_public_key=public_key,
                # The library compares the counter before the signature, when anybody may have written it.
                credential_current_sign_count=0,
                require_user_verification=True,
            )
        except _MALFORMED as error:
            raise _failed(error) from error
        return verified.new_sign_count


def unavailable_because(settings: Settings) -> str:
    """Why browsers offer no security keys at the portal's URL, as a sentence; empty if they do."""
    host = urlsplit(settings.public_url).hostname or ""
    if _is_ip(host):
        return f"Security keys need a domain name, and the address of this portal ({settings.public_url}) has none."
    if not settings.is_https and host.rpartition(".")[2] != "localhost":
        return f"Security keys need HTTPS, and the address of this portal ({settings.public_url}) does not use it."
    return ""


def challenge_of(response: str) -> bytes:
    """The challenge that a response claims to be for. Raises SecurityKeyFailedError."""
    try:
        client_data = _json(base64url_to_bytes(_json(response)["response"]["clientDataJSON"]))
        return base64url_to_bytes(client_data["challenge"])
    except _MALFORMED as error:
        raise _failed(error) from error


def credential_id(response: str) -> bytes:
    """The credential that a response to `request_options` claims to be of. Raises SecurityKeyFailedError."""
    try:
        return parse_authentication_credential_json(_json(response)).raw_id
    except _MALFORMED as error:
        raise _failed(error) from error


def _json(response: str | bytes) -> dict[str, Any]:
    if not response:
        raise SecurityKeyFailedError("The browser sent no response of a security key.")
    # Unlike Python's own parser, it limits how deep the text may be nested.
    parsed = pydantic_core.from_json(response)
    return parsed if isinstance(parsed, dict) else {}


def _descriptors(credentials: Sequence[Credential]) -> list[PublicKeyCredentialDescriptor]:
    return [
        PublicKeyCredentialDescriptor(
            id=each.id, transports=[AuthenticatorTransport(transport) for transport in each.transports]
        )
        for each in credentials
    ]


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _failed(error: Exception) -> SecurityKeyFailedError:
    log.warning("a security key's response was refused", error=repr(error)[:500])
    return SecurityKeyFailedError()
