"""The sign-in with Google: OpenID Connect's code flow with PKCE and a nonce, by Authlib."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import httpx2
import structlog
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.starlette_client import OAuth
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from starlette.requests import Request
from starlette.responses import Response

from app import addresses
from app.config import Settings
from app.errors import StationmasterError, UnavailableError

GOOGLE = "https://accounts.google.com"
GOOGLE_ISSUERS = [GOOGLE, "accounts.google.com"]
"""Google uses both, see https://developers.google.com/identity/openid-connect/openid-connect."""
SIGNATURES = ["RS256", "ES256"]
CLOCK_SKEW_SECONDS = 30
TIMEOUT_SECONDS = 10
LONGEST_SUB = 255
"""The limit in OpenID Connect."""
LONGEST_NAME = 200
LONGEST_WORD = 60
RENEWED_EVERY_SECONDS = 60.0
"""How often the issuer is asked for its keys at most because a token names one that is not known."""

log = structlog.get_logger()


class SignInFailedError(StationmasterError):
    """The sign-in was not completed."""

    code = "sign_in_failed"


@dataclass(frozen=True)
class Identity:
    """The identity that the issuer has signed for this portal and this sign-in."""

    sub: str
    email: str
    email_verified: bool
    name: str
    hd: str | None = None
    """The Google Workspace domain that manages the account; None for a private one."""
    proved_at: datetime | None = None
    """When the person last entered their credentials, if the issuer says so (`auth_time`)."""


class OpenIdProvider:
    """The issuer in the settings. Its metadata and keys are fetched at the first sign-in, not at the start."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._renewed_at = -RENEWED_EVERY_SECONDS

    @property
    def issuers(self) -> list[str]:
        """By what names the issuer calls itself in tokens."""
        issuer = self._settings.oidc_issuer
        return GOOGLE_ISSUERS if issuer == GOOGLE else [issuer]

    async def keys(self, *, renew: bool = False) -> KeySet:
        """The keys that the issuer signs with.

        :param renew: not those that are known already, unless they were asked for a moment ago.
        Raises UnavailableError if the issuer does not answer.
        """
        now = time.monotonic()
        renew = renew and now - self._renewed_at >= RENEWED_EVERY_SECONDS
        if renew:
            self._renewed_at = now
        try:
            return KeySet.import_key_set(await self._client.fetch_jwk_set(force=renew))
        except Exception as error:
            raise self._unavailable(error) from error

    @cached_property
    def _client(self) -> Any:
        return OAuth().register(
            "google",
            server_metadata_url=f"{self._settings.oidc_issuer.rstrip('/')}/.well-known/openid-configuration",
            client_id=self._settings.oidc_client_id,
            client_secret=self._settings.oidc_client_secret,
            client_kwargs={
                "scope": "openid email profile",
                "code_challenge_method": "S256",
                "timeout": TIMEOUT_SECONDS,
                # Authlib creates four HTTP clients per sign-in, and each would read all certificates again (30 ms).
                "verify": httpx2.create_ssl_context(),
            },
        )

    async def send(self, request: Request, *, fresh: bool = False) -> Response:
        """Redirect the browser to the issuer.

        :param fresh: ask when the person last entered their credentials.
        Raises UnavailableError if the issuer does not answer.
        """
        # Google supports neither `prompt=login` nor `max_age`, so nothing can make it ask for credentials again.
        parameters = {"prompt": "select_account"}
        if fresh and self._settings.oidc_proves_time:
            parameters["claims"] = '{"id_token":{"auth_time":{"essential":true}}}'
        if len(self._settings.allowed_domains) == 1 and not self._settings.allowed_emails:
            # Only preselects accounts. The claim in the response is what is checked.
            parameters["hd"] = self._settings.allowed_domains[0]
        callback = f"{self._settings.public_url}/auth/callback"
        try:
            response: Response = await self._client.authorize_redirect(request, callback, **parameters)
        except Exception as error:
            raise self._unavailable(error) from error
        # The issuer's metadata decides about this address, and may be wrong.
        if not response.headers["location"].startswith(("https://", "http://")):
            raise self._unavailable(ValueError("its authorization endpoint is no web address"))
        return response

    async def receive(self, request: Request) -> Identity:
        """The identity of a person who returns from the issuer. Exchanges the code, and checks all claims.

        Raises SignInFailedError, or UnavailableError if the issuer does not answer.
        """
        if not (request.query_params.get("code") or request.query_params.get("error")):
            raise SignInFailedError("Google's response contains no code.", hint="Sign in again.")
        try:
            metadata = await self._client.load_server_metadata()
            metadata["id_token_signing_alg_values_supported"] = SIGNATURES
            token = await self._client.authorize_access_token(
                request, leeway=CLOCK_SKEW_SECONDS, claims_options=self._claims_options()
            )
            return _identity(token.get("userinfo"))
        except SignInFailedError:
            raise
        except AuthlibBaseError as error:
            raise _failed(error) from error
        except JoseError as error:
            log.warning("id token refused", error=str(error))
            raise SignInFailedError(
                "Google's response could not be verified.",
                hint="Sign in again. If it happens twice, contact an admin: the clock or the client ID may be wrong.",
            ) from error
        except Exception as error:
            raise self._unavailable(error) from error

    def _unavailable(self, error: Exception) -> UnavailableError:
        log.warning("the sign-in provider does not answer as it should", error=repr(error)[:500])
        # The metadata may be the cause, so the next sign-in loads it again.
        self.__dict__.pop("_client", None)
        return UnavailableError("Google's sign-in is not responding.", hint="Wait a minute, then sign in again.")

    def _claims_options(self) -> dict[str, Any]:
        # Without these, Authlib would not check the issuer, and accept another audience if the token has an `azp`.
        return {
            "iss": {"essential": True, "values": self.issuers},
            "aud": {"essential": True, "values": [self._settings.oidc_client_id]},
        }


def _identity(claims: dict[str, Any] | None) -> Identity:
    claims = claims or {}
    sub, email = _sub(claims.get("sub")), _email(claims.get("email"))
    if not (sub and email):
        raise SignInFailedError(
            "Google's response does not contain your identity.",
            hint="Sign in again, and allow Google to share your name and email address with Stationmaster.",
        )
    hd = claims.get("hd")
    return Identity(
        sub=sub,
        email=email,
        email_verified=claims.get("email_verified") is True,
        name=_name(claims.get("name")) or email.partition("@")[0],
        # Other letters can become ASCII in lower case.
        hd=hd.lower() if isinstance(hd, str) and hd.isascii() else None,
        proved_at=_moment(claims.get("auth_time")),
    )


def _sub(claim: object) -> str | None:
    if not isinstance(claim, str) or len(claim) > LONGEST_SUB:
        return None
    # A `sub` with other characters is not Google's, and could not be stored or logged safely.
    return claim if claim.isascii() and claim.isprintable() else None


def _email(claim: object) -> str | None:
    try:
        return addresses.parse(claim) if isinstance(claim, str) else None
    except ValueError as error:
        log.warning("the sign-in provider names an address that is none", error=str(error)[:LONGEST_NAME])
        return None


def _name(claim: object) -> str:
    """The name for people, without characters that break or reverse a line."""
    text = claim if isinstance(claim, str) else ""
    return "".join(letter for letter in text[: 2 * LONGEST_NAME] if letter.isprintable()).strip()[:LONGEST_NAME]


def _moment(claim: object) -> datetime | None:
    if isinstance(claim, bool) or not isinstance(claim, int | float):
        return None
    try:
        return datetime.fromtimestamp(claim, UTC)
    except (OverflowError, OSError, ValueError):
        return None


def _failed(error: AuthlibBaseError) -> SignInFailedError:
    if error.error == "access_denied":
        return SignInFailedError("The sign-in was canceled at Google.", hint="Sign in again to continue.")
    if error.error == "mismatching_state":
        return SignInFailedError("This sign-in was started in another tab, or too long ago.", hint="Sign in again.")
    log.warning("sign-in failed", error=str(error)[:500])
    word = str(error.error)[:LONGEST_WORD]
    return SignInFailedError(
        f"Google did not accept the sign-in ({word if word.isprintable() else 'unknown error'}).",
        hint="Sign in again. If it happens twice, show this message to an admin.",
    )
