"""Google's side of a sign-in: the OpenID Connect code flow with PKCE and a nonce, by Authlib."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import httpx2
import structlog
from authlib.integrations.starlette_client import OAuth, OAuthError
from joserfc.errors import JoseError
from starlette.requests import Request
from starlette.responses import Response

from app.config import Settings
from app.errors import StationmasterError, UnavailableError

GOOGLE = "https://accounts.google.com"
GOOGLE_ISSUERS = [GOOGLE, "accounts.google.com"]
"""Google signs with either; see https://developers.google.com/identity/openid-connect/openid-connect."""
SIGNATURES = ["RS256", "ES256"]
CLOCK_SKEW_SECONDS = 30
TIMEOUT_SECONDS = 10

log = structlog.get_logger()


class SignInFailedError(StationmasterError):
    """The sign-in did not come to its end."""

    code = "sign_in_failed"


@dataclass(frozen=True)
class Identity:
    """Who somebody is, as the issuer signed it for this portal and this sign-in."""

    sub: str
    email: str
    email_verified: bool
    name: str
    hd: str | None = None
    """The Google Workspace domain that manages the account; None for a private one."""
    proved_at: datetime | None = None
    """When its person last proved who they are, where the issuer says so (`auth_time`)."""


class OpenIdProvider:
    """The issuer in the settings. Its metadata and keys are fetched at the first sign-in, not at the start."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

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
                # Authlib makes four HTTP clients a sign-in, and each would read all certificates anew (30 ms).
                "verify": httpx2.create_ssl_context(),
            },
        )

    async def send(self, request: Request, *, fresh: bool = False) -> Response:
        """Send the browser to the issuer; with `fresh`, its person has to prove anew who they are.

        Raises UnavailableError when the issuer does not answer.
        """
        asked = {"prompt": "login" if fresh else "select_account"}
        if len(self._settings.allowed_domains) == 1 and not self._settings.allowed_emails:
            asked["hd"] = self._settings.allowed_domains[0]  # a hint to the account chooser; the claim is what counts
        callback = f"{self._settings.public_url}/auth/callback"
        try:
            response: Response = await self._client.authorize_redirect(request, callback, **asked)
        except (httpx2.HTTPError, ValueError, RuntimeError) as error:
            raise _unavailable(error) from error
        return response

    async def receive(self, request: Request) -> Identity:
        """Who has come back from the issuer: the code is exchanged, and every claim that matters is checked.

        Raises SignInFailedError with what to do, or UnavailableError when the issuer does not answer.
        """
        try:
            metadata = await self._client.load_server_metadata()
            metadata["id_token_signing_alg_values_supported"] = SIGNATURES
            token = await self._client.authorize_access_token(
                request, leeway=CLOCK_SKEW_SECONDS, claims_options=self._claims_options()
            )
        except OAuthError as error:
            raise _failed(error) from error
        except JoseError as error:
            log.warning("id token refused", error=str(error))
            raise SignInFailedError(
                "Google's answer could not be trusted, so you are not signed in.",
                hint="Sign in again. If it happens twice, tell your admin: the clock or the client id may be wrong.",
            ) from error
        except (httpx2.HTTPError, ValueError, RuntimeError) as error:
            raise _unavailable(error) from error
        return _identity(token.get("userinfo"))

    def _claims_options(self) -> dict[str, Any]:
        # Authlib checks the issuer only where it is named here, and would take another's audience for an `azp`.
        issuer = self._settings.oidc_issuer
        issuers = GOOGLE_ISSUERS if issuer == GOOGLE else [issuer]
        return {
            "iss": {"essential": True, "values": issuers},
            "aud": {"essential": True, "values": [self._settings.oidc_client_id]},
        }


def _identity(claims: dict[str, Any] | None) -> Identity:
    if not claims or not claims.get("sub") or not claims.get("email"):
        raise SignInFailedError(
            "Google did not say who you are, so you are not signed in.",
            hint="Sign in again, and let Google share your name and e-mail address with Stationmaster.",
        )
    email = str(claims["email"]).lower()
    return Identity(
        sub=str(claims["sub"]),
        email=email,
        email_verified=claims.get("email_verified") is True,
        name=str(claims.get("name") or email.partition("@")[0])[:200],
        hd=str(claims["hd"]).lower() if claims.get("hd") else None,
        proved_at=datetime.fromtimestamp(claims["auth_time"], UTC) if claims.get("auth_time") else None,
    )


def _failed(error: OAuthError) -> SignInFailedError:
    if error.error == "access_denied":
        return SignInFailedError("The sign-in was canceled at Google.", hint="Sign in again when you like.")
    if error.error == "mismatching_state":
        return SignInFailedError(
            "This sign-in was begun in another tab, or too long ago.", hint="Sign in again from here."
        )
    log.warning("sign-in failed", error=error.error, description=error.description)
    return SignInFailedError(
        f"Google did not accept the sign-in ({error.error}).",
        hint="Sign in again. If it happens twice, tell your admin this message.",
    )


def _unavailable(error: Exception) -> UnavailableError:
    log.warning("the sign-in provider does not answer", error=repr(error))
    return UnavailableError("Google's sign-in does not answer.", hint="Wait a minute, then sign in again.")
