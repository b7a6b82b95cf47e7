"""Codes and access tokens: in memory, for they live minutes; a restart in the middle of a sign-in starts it again."""

import base64
import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from emulator.core.clock import Clock
from emulator.openid.accounts import Account
from emulator.openid.authorization import AuthorizationRequest

CODE_LIFETIME = timedelta(minutes=2)
TOKEN_LIFETIME = timedelta(hours=1)


class GrantError(Exception):
    """The token endpoint refuses; the message is for the developer of the client."""


@dataclass(frozen=True)
class Grant:
    """One person's consent, between the authorize page and the token endpoint."""

    request: AuthorizationRequest
    account: Account
    signed_in: datetime


class Grants:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._codes: dict[str, Grant] = {}
        self._tokens: dict[str, Grant] = {}

    def issue_code(self, request: AuthorizationRequest, account: Account) -> str:
        self._forget_old()
        code = "4/" + secrets.token_urlsafe(32)
        self._codes[code] = Grant(request, account, self._clock())
        return code

    def redeem(self, code: str, redirect_uri: str, verifier: str) -> Grant:
        """A code works once, even when what comes with it is wrong. Raises GrantError."""
        grant = self._codes.pop(code, None)
        if grant is None or self._clock() - grant.signed_in > CODE_LIFETIME:
            raise GrantError("Malformed auth code: unknown, used or expired.")
        if grant.request.redirect_uri != redirect_uri:
            raise GrantError("redirect_uri is not the one the code was issued for.")
        if not _verifies(grant.request.code_challenge, verifier):
            raise GrantError("Invalid code verifier." if verifier else "Missing code verifier.")
        return grant

    def issue_token(self, grant: Grant) -> str:
        token = "ya29." + secrets.token_urlsafe(48)
        self._tokens[token] = grant
        return token

    def account_of(self, token: str) -> Account | None:
        grant = self._tokens.get(token)
        if grant is None or self._clock() - grant.signed_in > TOKEN_LIFETIME:
            return None
        return grant.account

    def _forget_old(self) -> None:
        now = self._clock()
        self._codes = {code: g for code, g in self._codes.items() if now - g.signed_in <= CODE_LIFETIME}
        self._tokens = {token: g for token, g in self._tokens.items() if now - g.signed_in <= TOKEN_LIFETIME}


def _verifies(challenge: str, verifier: str) -> bool:
    if not challenge:
        # RFC 9700 4.8.2: a verifier without a challenge is a sign of a downgrade.
        return not verifier
    digest = hashlib.sha256(verifier.encode()).digest()
    made = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    return secrets.compare_digest(made, challenge)
