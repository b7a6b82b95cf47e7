"""Google's OpenID Connect endpoint over HTTP."""

import base64
import binascii
import secrets
from collections.abc import Mapping
from urllib.parse import unquote_plus

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from emulator.core.clock import Clock
from emulator.openid.accounts import ACCOUNTS
from emulator.openid.authorization import AuthorizationError, RefusedToClient, read_request, with_query
from emulator.openid.grants import TOKEN_LIFETIME, GrantError, Grants
from emulator.openid.keys import Signer
from emulator.web.bodies import form_fields
from emulator.web.pages import Pages

AUTHORIZE, TOKEN, KEYS, USERINFO = "/o/oauth2/v2/auth", "/oauth2/token", "/oauth2/v3/certs", "/v1/userinfo"
NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}


class SignInApi:
    def __init__(
        self,
        *,
        url: str,
        browser_url: str,
        client: tuple[str, str],
        grants: Grants,
        signer: Signer,
        pages: Pages,
        clock: Clock,
    ) -> None:
        self._url = url
        self._browser_url = browser_url
        self._client_id, self._client_secret = client
        self._grants = grants
        self._signer = signer
        self._pages = pages
        self._clock = clock

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/.well-known/openid-configuration", self.discovery),
            Route(AUTHORIZE, self.choose_account, methods=["GET"]),
            Route(AUTHORIZE, self.account_chosen, methods=["POST"]),
            Route(TOKEN, self.token, methods=["POST"]),
            Route(KEYS, self.keys),
            Route(USERINFO, self.userinfo, methods=["GET", "POST"]),
        ]

    async def discovery(self, request: Request) -> Response:
        return JSONResponse(
            {
                "issuer": self._url,
                # A browser may reach this server under another name than the portal does.
                "authorization_endpoint": self._browser_url + AUTHORIZE,
                "token_endpoint": self._url + TOKEN,
                "userinfo_endpoint": self._url + USERINFO,
                "jwks_uri": self._url + KEYS,
                "response_types_supported": ["code"],
                "response_modes_supported": ["query"],
                "grant_types_supported": ["authorization_code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "scopes_supported": ["openid", "email", "profile"],
                "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
                "code_challenge_methods_supported": ["S256"],
                "claims_supported": [
                    *("aud", "email", "email_verified", "exp", "family_name", "given_name"),
                    *("hd", "iat", "iss", "name", "sub"),
                ],
            }
        )

    async def choose_account(self, request: Request) -> Response:
        query = dict(request.query_params)
        try:
            asked = read_request(query, self._client_id)
        except AuthorizationError as error:
            return self._pages.render("refused.html", status=error.status, error=error)
        except RefusedToClient as refusal:
            return RedirectResponse(refusal.location, 303)
        return self._pages.render(
            "accounts.html",
            accounts=list(ACCOUNTS.values()),
            query=query,
            hint=query.get("login_hint", ""),
            client=asked.redirect_uri.split("/")[2],
        )

    async def account_chosen(self, request: Request) -> Response:
        form = await form_fields(request)
        account = ACCOUNTS.get(form.pop("account", ""))
        if account is None:
            unknown = AuthorizationError(400, "invalid_request", "There is no such account.")
            return self._pages.render("refused.html", status=unknown.status, error=unknown)
        try:
            asked = read_request(form, self._client_id)
        except AuthorizationError as error:
            return self._pages.render("refused.html", status=error.status, error=error)
        except RefusedToClient as refusal:
            return RedirectResponse(refusal.location, 303)
        code = self._grants.issue_code(asked, account)
        answer = {"state": asked.state, "code": code, "scope": asked.scope, "authuser": "0", "hd": account.domain}
        return RedirectResponse(with_query(asked.redirect_uri, answer), 303, headers=NO_STORE)

    async def token(self, request: Request) -> Response:
        form = await form_fields(request)
        if not self._is_client(request.headers.get("authorization", ""), form):
            return _oauth_error(401, "invalid_client", "The OAuth client was not found, or its secret is wrong.")
        if form.get("grant_type") != "authorization_code":
            return _oauth_error(400, "unsupported_grant_type", "Only authorization_code is emulated.")
        try:
            grant = self._grants.redeem(
                form.get("code", ""), form.get("redirect_uri", ""), form.get("code_verifier", "")
            )
        except GrantError as error:
            return _oauth_error(400, "invalid_grant", str(error))
        access_token = self._grants.issue_token(grant)
        body = {
            "access_token": access_token,
            "expires_in": int(TOKEN_LIFETIME.total_seconds()) - 1,
            "scope": grant.request.scope,
            "token_type": "Bearer",
            "id_token": self._signer.id_token(grant, access_token, self._clock()),
        }
        return JSONResponse(body, headers=NO_STORE)

    async def keys(self, request: Request) -> Response:
        return JSONResponse(self._signer.public_keys(), headers={"Cache-Control": "public, max-age=3600"})

    async def userinfo(self, request: Request) -> Response:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        account = self._grants.account_of(token) if kind.lower() == "bearer" else None
        if account is None:
            headers = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
            body = {"error": "invalid_request", "error_description": "Invalid Credentials"}
            return JSONResponse(body, 401, headers=headers)
        return JSONResponse(account.profile())

    def _is_client(self, authorization: str, form: Mapping[str, str]) -> bool:
        id_, secret = form.get("client_id", ""), form.get("client_secret", "")
        if authorization:
            id_, secret = _basic(authorization)
        return secrets.compare_digest(f"{id_}\n{secret}".encode(), f"{self._client_id}\n{self._client_secret}".encode())


def _basic(authorization: str) -> tuple[str, str]:
    kind, _, coded = authorization.partition(" ")
    try:
        id_, _, secret = base64.b64decode(coded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    # RFC 6749 2.3.1: both are form-encoded before they are joined.
    return (unquote_plus(id_), unquote_plus(secret)) if kind.lower() == "basic" else ("", "")


def _oauth_error(status: int, error: str, description: str) -> Response:
    headers = NO_STORE | ({"WWW-Authenticate": "Basic"} if status == 401 else {})
    return JSONResponse({"error": error, "error_description": description}, status, headers=headers)
