"""A strict OpenID provider on a port of its own, which tests can make lie: the emulator's never does."""

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2
from joserfc import jws
from joserfc.jwk import RSAKey

GRACE = {
    "sub": "1001",
    "email": "grace@example.com",
    "email_verified": True,
    "hd": "example.com",
    "name": "Grace Hopper",
}
CLIENT = ("portal", "a-client-secret")


@cache
def _key(_whose: str) -> RSAKey:
    return RSAKey.generate_key(2048, auto_kid=True)


@dataclass
class OpenIdServer:
    """What the provider says, to be changed by a test before a sign-in."""

    issuer: str = ""
    person: dict[str, Any] = field(default_factory=lambda: dict(GRACE))
    claims: dict[str, Any] = field(default_factory=dict)
    """Put over the true claims of the id_token; None takes one away."""
    forged: bool = False
    """The id_token is signed with a key that is not published."""
    algorithm: str = "RS256"
    without_id_token: bool = False
    discovery_status: int = 200
    discovered: dict[str, Any] = field(default_factory=dict)
    """Put over what its discovery document says."""
    raw: dict[str, bytes] = field(default_factory=dict)
    """By the end of a path, what is answered there instead, whatever it is."""
    asked: list[dict[str, str]] = field(default_factory=list)
    """The authorization requests there were."""
    _codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def consent(self, location: str) -> str:
        """What a browser sent to `location` is sent back to, once its person has agreed."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
        self.asked.append(query)
        missing = {"state", "nonce", "code_challenge", "redirect_uri"} - set(query)
        wrong = query["code_challenge_method"] != "S256" or query["response_type"] != "code"
        if missing or wrong or query["client_id"] != CLIENT[0]:
            raise AssertionError(f"a strict provider refuses this: {query}")
        code = secrets.token_urlsafe(16)
        self._codes[code] = query
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"

    def discovery(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "id_token_signing_alg_values_supported": ["RS256", "HS256", "none"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
            **self.discovered,
        }

    def keys(self) -> dict[str, Any]:
        return {"keys": [_key("published").as_dict(private=False)]}

    def token(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        """Redeem a code, once, for who has the client's secret and the verifier of its challenge."""
        basic = base64.b64encode(":".join(CLIENT).encode()).decode()
        asked = self._codes.pop(form.get("code", ""), None)
        if authorization != f"Basic {basic}" or asked is None or form["redirect_uri"] != asked["redirect_uri"]:
            return 400, {"error": "invalid_grant"}
        made = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest())
        if made.rstrip(b"=").decode() != asked["code_challenge"]:
            return 400, {"error": "invalid_grant", "error_description": "wrong verifier"}
        answer = {"access_token": secrets.token_urlsafe(), "token_type": "Bearer", "expires_in": 3600}
        return 200, answer if self.without_id_token else {**answer, "id_token": self._id_token(asked["nonce"])}

    def _id_token(self, nonce: str) -> str:
        return self.sign({"aud": CLIENT[0], "nonce": nonce, **self.person}, int(time.time()))

    def sign(self, claims: dict[str, Any], now: int) -> str:
        """A token with these claims, issued at `now`, and with what the provider is to say instead."""
        claims = {"iss": self.issuer, "iat": now, "exp": now + 600, **claims}
        claims = {name: value for name, value in {**claims, **self.claims}.items() if value is not None}
        published = _key("published")
        header = {"alg": self.algorithm, "kid": published.kid}
        if self.algorithm == "none":
            coded = [
                base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in (header, claims)
            ]
            return ".".join([*coded, ""])
        # Not by jwt.encode, which refuses to sign what no provider should claim.
        payload = json.dumps(claims).encode()
        return jws.serialize_compact(header, payload, _key("forger's") if self.forged else published)


def _part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


@contextmanager
def openid_server() -> Iterator[OpenIdServer]:
    """The provider, listening on this computer."""
    provider = OpenIdServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/keys":
                self._answer(200, provider.keys())
            else:
                self._answer(provider.discovery_status, provider.discovery())

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            self._answer(*provider.token(form, self.headers.get("authorization", "")))

        def _answer(self, status: int, body: dict[str, Any]) -> None:
            coded = provider.raw.get(self.path.rpartition("/")[2], json.dumps(body).encode())
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(coded)))
            self.end_headers()
            self.wfile.write(coded)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider.issuer = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


async def sign_in(browser: httpx2.AsyncClient, provider: OpenIdServer, **query: str) -> httpx2.Response:
    """Through the provider and back; returns what the callback answers."""
    start = await browser.get("/auth/start", params=query)
    assert start.status_code == 302, start.text
    return await browser.get(provider.consent(start.headers["location"]))
