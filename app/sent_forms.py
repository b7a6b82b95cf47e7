"""Forms that were refused, and what was typed into them.

A refused form redirects to its page, so that reloading that page, or going back to it, sends nothing again. What was
typed goes along in a cookie that only the portal can read, whose number is in the page's address. A form that was sent
after the sign-in had ended takes the same way, through the sign-in.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from secrets import token_hex
from typing import Annotated, Any
from urllib.parse import urlencode

from cryptography.fernet import InvalidToken
from fastapi import Depends, Request
from fastapi.responses import RedirectResponse
from starlette.datastructures import ImmutableMultiDict
from starlette.exceptions import HTTPException

from app.crypto import Vault
from app.errors import StationmasterError

KEPT_FOR = timedelta(minutes=30)
MOST_BYTES = 3800
"""Browsers refuse cookies above 4,096 bytes, name and attributes included."""
_PARAMETER = "form"
_PRIVATE_KEY = "PRIVATE KEY"
Fields = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class SentForm:
    """What was typed into a form, and why it was refused; both are empty on a page that is opened as usual."""

    values: ImmutableMultiDict[str, str] = field(default_factory=lambda: ImmutableMultiDict([]))
    error: StationmasterError | None = None

    @property
    def errors(self) -> dict[str, str]:
        """A sentence for each invalid field."""
        return self.error.fields if self.error else {}

    def get(self, name: str, default: str = "") -> str:
        """What was typed into a field; `default` if the form was not sent."""
        return self.values.get(name, default)


def shown_on(page: str) -> Any:
    """A route's dependency: if its form is refused, it is shown again on `page`, which may contain parameters of the
    route's own path."""

    def remember(request: Request) -> None:
        request.state.form_page = page.format(**request.path_params)

    return Depends(remember)


async def send_back(request: Request, error: StationmasterError | None) -> RedirectResponse | None:
    """Redirect to the page of a refused form; without an error it was only sent too late.

    None if the route has no such page, or if a program sent the form.
    """
    page = page_of(request)
    if not page or "authorization" in request.headers:
        return None
    try:
        form = await request.form(max_files=0, max_fields=50)
    except HTTPException:
        # What was sent is no form.
        return None
    # Somebody who pasted a private key by mistake must not get it back.
    typed = [(name, text) for name, text in form.multi_items() if isinstance(text, str) and _PRIVATE_KEY not in text]
    typed.sort(key=lambda each: len(each[1]))
    while len(sealed := _seal(request, page, typed, error)) > MOST_BYTES and typed:
        # Texts that are too long for a cookie are typed again.
        typed.pop()
    return _redirect(request, page, sealed)


def page_of(request: Request) -> str:
    """The page of the form that this request sends; empty if it sends none."""
    return getattr(request.state, "form_page", "") if request.method == "POST" else ""


def redirect_with(request: Request, page: str, fields: Fields) -> RedirectResponse:
    """Redirect to a page together with fields that only it can read, of some hundred bytes at most."""
    return _redirect(request, page, _seal(request, page, fields))


def _seal(request: Request, page: str, fields: Fields, error: StationmasterError | None = None) -> str:
    content = {"page": page, "member": _viewer(request), "fields": list(fields), "error": _plain(error)}
    sealed: bytes = request.app.state.portal.vault.seal(json.dumps(content).encode())
    return sealed.decode()


def _redirect(request: Request, page: str, sealed: str) -> RedirectResponse:
    number = token_hex(6)
    response = RedirectResponse(f"{page}?{urlencode({_PARAMETER: number})}", status_code=303)
    response.set_cookie(
        _cookie(number),
        sealed,
        max_age=int(KEPT_FOR.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=request.app.state.portal.settings.is_https,
    )
    return response


def read(request: Request) -> SentForm:
    """The form that this page shows again."""
    if not hasattr(request.state, "sent_form"):
        request.state.sent_form = _read(request)
    return request.state.sent_form  # type: ignore[no-any-return]  # request.state is not typed


SentFormDep = Annotated[SentForm, Depends(read)]


def _read(request: Request) -> SentForm:
    sealed = request.cookies.get(_cookie(request.query_params.get(_PARAMETER, "")))
    content = _open(request.app.state.portal.vault, sealed) if sealed else None
    if not content or content["page"] != request.url.path or content["member"] not in ("", _viewer(request)):
        return SentForm()
    values = ImmutableMultiDict([(name, text) for name, text in content["fields"]])
    return SentForm(values, _error(content["error"]))


def _open(vault: Vault, sealed: str) -> dict[str, Any] | None:
    try:
        content: dict[str, Any] = json.loads(vault.open(sealed.encode()))
    except InvalidToken:
        return None
    return content


def _viewer(request: Request) -> str:
    viewer = getattr(request.state, "viewer", None)
    return viewer.id if viewer else ""


def _cookie(number: str) -> str:
    return f"stationmaster-form-{number}"


def _plain(error: StationmasterError | None) -> dict[str, Any] | None:
    if error is None:
        return None
    return {"status": error.status, "message": error.message, "hint": error.hint, "fields": error.fields}


def _error(plain: dict[str, Any] | None) -> StationmasterError | None:
    if plain is None:
        return None
    error = StationmasterError(plain["message"], hint=plain["hint"], fields=plain["fields"])
    error.status = plain["status"]
    return error
