"""What a relying party may ask of the authorize page, checked as Google checks it."""

import ipaddress
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
MAX_LENGTH = 2048
PROMPTS = {"none", "consent", "select_account"}
"""Values of `prompt`. Google supports neither `login` nor the parameter max_age:
https://developers.google.com/identity/openid-connect/openid-connect."""


class AuthorizationError(Exception):
    """An error that is shown to the person, because the client cannot be trusted. `code` is Google's name for it."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


class RefusedToClient(Exception):  # noqa: N818 - an answer of the protocol, not a failure of ours
    """Sent back to the redirect_uri, as OAuth has it."""

    def __init__(self, redirect_uri: str, state: str, error: str) -> None:
        super().__init__(error)
        self.location = with_query(redirect_uri, {"error": error, "state": state})


@dataclass(frozen=True)
class AuthorizationRequest:
    redirect_uri: str
    scope: str
    state: str
    nonce: str
    code_challenge: str
    wants_auth_time: bool
    """The client asked for the claim `auth_time`."""


def read_request(query: Mapping[str, str], client_id: str) -> AuthorizationRequest:
    """Raises AuthorizationError or RefusedToClient."""
    if query.get("client_id") != client_id:
        raise AuthorizationError(401, "invalid_client", "The OAuth client was not found.")
    redirect_uri = query.get("redirect_uri", "")
    if not _redirect_allowed(redirect_uri):
        raise AuthorizationError(
            400,
            "redirect_uri_mismatch",
            "The redirect URI must be https, or http on this computer, and have no fragment.",
        )
    if any(len(value) > MAX_LENGTH for value in query.values()):
        raise AuthorizationError(400, "invalid_request", "A parameter is too long.")
    if query.get("response_type") != "code":
        raise AuthorizationError(400, "unsupported_response_type", "Only response_type=code is emulated.")
    if "openid" not in query.get("scope", "").split():
        raise AuthorizationError(400, "invalid_scope", "The scope must contain openid.")
    if not _challenge_allowed(query):
        raise AuthorizationError(400, "invalid_request", "The code challenge must be S256: 43 characters of base64url.")
    state = query.get("state", "")
    prompt = query.get("prompt", "").split()
    unknown = set(prompt) - PROMPTS
    if unknown:
        raise AuthorizationError(400, "invalid_request", f"Invalid parameter value for prompt: {min(unknown)}.")
    if "none" in prompt:
        raise RefusedToClient(redirect_uri, state, "interaction_required")
    return AuthorizationRequest(
        redirect_uri=redirect_uri,
        scope=query["scope"],
        state=state,
        nonce=query.get("nonce", ""),
        code_challenge=query.get("code_challenge", ""),
        wants_auth_time=_wants_auth_time(query.get("claims", "")),
    )


def with_query(uri: str, parameters: Mapping[str, str]) -> str:
    """`uri` with parameters added after those it has; empty ones are left out."""
    query = urlencode({name: value for name, value in parameters.items() if value})
    return f"{uri}{'&' if urlsplit(uri).query else '?'}{query}"


def _wants_auth_time(claims: str) -> bool:
    try:
        return "auth_time" in json.loads(claims or "{}")["id_token"]
    except (ValueError, TypeError, KeyError):
        return False


def _challenge_allowed(query: Mapping[str, str]) -> bool:
    challenge, method = query.get("code_challenge", ""), query.get("code_challenge_method", "")
    if not challenge:
        return not method
    return method == "S256" and CHALLENGE.fullmatch(challenge) is not None


def _redirect_allowed(uri: str) -> bool:
    try:
        parts = urlsplit(uri)
        host = parts.hostname or ""
    except ValueError:
        return False
    if "#" in uri or "@" in parts.netloc or not host or any(ord(letter) <= 32 for letter in uri):
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and _is_here(host))


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
