"""The key that signs ID tokens: created when it is first needed, then stored."""

import base64
import hashlib
import json
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from emulator.core.store import Json, Store
from emulator.openid.grants import TOKEN_LIFETIME, Grant

if TYPE_CHECKING:
    from joserfc.jwk import RSAKey

FACT = "openid_key"


class Signer:
    def __init__(self, store: Store, issuer: str, client_id: str, *, session_age_claims: bool = False) -> None:
        self._store = store
        self._issuer = issuer
        self._client_id = client_id
        self._session_age_claims = session_age_claims

    def public_keys(self) -> Json:
        """The JWK set."""
        key = self._key.as_dict(private=False)
        return {"keys": [{**key, "kid": self._key.kid, "alg": "RS256", "use": "sig"}]}

    def id_token(self, grant: Grant, access_token: str, now: datetime) -> str:
        claims: Json = {
            "aud": self._client_id,
            "azp": self._client_id,
            **grant.account.profile(),
            "at_hash": _left_half(access_token),
        }
        if grant.request.nonce:
            claims["nonce"] = grant.request.nonce
        if grant.request.wants_auth_time and self._session_age_claims:
            claims["auth_time"] = int(grant.signed_in.timestamp())
        return self.sign(claims, now)

    def sign(self, claims: Json, now: datetime) -> str:
        """A token with these claims that lasts an hour from `now`."""
        from joserfc import jwt

        issued = int(now.timestamp())
        times = {"iat": issued, "exp": issued + int(TOKEN_LIFETIME.total_seconds())}
        header = {"alg": "RS256", "kid": self._key.kid, "typ": "JWT"}
        return str(jwt.encode(header, {"iss": self._issuer, **claims, **times}, self._key))

    @cached_property
    def _key(self) -> "RSAKey":
        # Imported here: it takes a fifth of a second, and the emulator should be up before its first sign-in.
        from joserfc.jwk import RSAKey

        kept = self._store.fact(FACT)
        key = RSAKey.import_key(json.loads(kept)) if kept else RSAKey.generate_key(2048)
        key.ensure_kid()
        if not kept:
            self._store.set_fact(FACT, json.dumps(key.as_dict(private=True)))
        return key


def _left_half(token: str) -> str:
    """at_hash of OpenID Connect Core 3.1.3.6."""
    return base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()[:16]).rstrip(b"=").decode()
