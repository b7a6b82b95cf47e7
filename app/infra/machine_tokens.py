"""The identity tokens of machines: which machine makes a request, signed by Google for this portal.

Their claims are described at https://cloud.google.com/compute/docs/instances/verifying-instance-identity. Only
machines with a service account get them, from their metadata server; the account needs no role for that.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry
from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import FixedWindowRateLimiter

from app.config import Settings
from app.errors import SignInRequiredError, TooManyError
from app.infra.oidc import CLOCK_SKEW_SECONDS, SIGNATURES, OpenIdProvider

LONGEST_TOKEN = 4000
MOST_A_MINUTE = 30
"""Requests of one machine: its agent makes one a minute, and people who type `keep` a few more."""

log = structlog.get_logger()


@dataclass(frozen=True)
class MachineIdentity:
    """The machine that Google has signed a token for."""

    instance_id: str
    """Google's number, which no other machine ever has: a successor with the same name has another one."""
    name: str
    zone: str


class MachineTokens:
    """Verifies tokens with the keys of the issuer in the settings, which signs people's as well."""

    def __init__(self, settings: Settings, openid: OpenIdProvider) -> None:
        self._settings, self._openid = settings, openid
        self._limit = RateLimitItemPerMinute(MOST_A_MINUTE)
        self._counter = FixedWindowRateLimiter(MemoryStorage())

    async def verify(self, token: str, now: datetime) -> MachineIdentity:
        """The machine that the token is for.

        Raises SignInRequiredError unless Google has signed it for this portal and a machine of its project,
        TooManyError for too many requests of one machine, UnavailableError if Google's keys cannot be read.
        """
        try:
            claims = await self._claims(token)
            self._registry(now).validate(claims)
        # joserfc lets Python's own errors through where a part is of another type than expected.
        except (JoseError, ValueError, TypeError, AttributeError, RecursionError) as error:
            log.warning("a machine's token was refused", error=repr(error)[:500])
            raise _refused() from error
        machine = _machine(claims)
        if machine is None or machine["project_id"] != self._settings.google_project:
            log.warning("a token is not of a machine of this project")
            raise _refused()
        if not await self._counter.hit(self._limit, machine["instance_id"]):
            raise TooManyError("This machine makes too many requests.", 60)
        return MachineIdentity(machine["instance_id"], machine["instance_name"], machine["zone"])

    async def _claims(self, token: str) -> dict[str, Any]:
        # Before Google is asked for its keys: a person's token, for example, has no parts.
        if len(token) > LONGEST_TOKEN or token.count(".") != 2:
            raise ValueError("not of the form of Google's tokens")
        try:
            return _decode(token, await self._openid.keys())
        except InvalidKeyIdError:
            # Google has new keys.
            return _decode(token, await self._openid.keys(renew=True))

    def _registry(self, now: datetime) -> jwt.JWTClaimsRegistry:
        return jwt.JWTClaimsRegistry(
            now=int(now.timestamp()),
            leeway=CLOCK_SKEW_SECONDS,
            iss={"essential": True, "values": self._openid.issuers},
            aud={"essential": True, "value": self._settings.public_url},
            iat={"essential": True},
            exp={"essential": True},
        )


def _decode(token: str, keys: KeySet) -> dict[str, Any]:
    registry = JWSRegistry(algorithms=SIGNATURES, strict_check_header=False)
    return dict(jwt.decode(token, keys, registry=registry).claims)


def _machine(claims: dict[str, Any]) -> dict[str, str] | None:
    """What the token says of the machine; None if it is a person's, or a service account's from elsewhere."""
    google = claims.get("google")
    machine = google.get("compute_engine") if isinstance(google, dict) else None
    names = ("instance_id", "instance_name", "project_id", "zone")
    if not isinstance(machine, dict) or not all(isinstance(machine.get(name), str) for name in names):
        return None
    number = machine["instance_id"]
    return {name: machine[name] for name in names} if number.isascii() and number.isdecimal() else None


def _refused() -> SignInRequiredError:
    return SignInRequiredError("This is not an identity token of a machine, for this portal, that is valid now.")
