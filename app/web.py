"""From values to responses: templates, errors as pages or JSON, and the headers every response carries."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import humanize
import jinja2
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from starlette.exceptions import HTTPException
from starlette.templating import Jinja2Templates

from app.config import Settings
from app.errors import InvalidError, NotFoundError, SignInRequiredError, StationmasterError

HERE = Path(__file__).resolve().parent
API = "/api/"
ADMIN_PAGES = (
    ("shared-stack", "/admin/shared-stack", "stack", "Shared stack"),
    ("members", "/admin/members", "people", "Members"),
    ("iam-admins", "/admin/iam", "shield", "IAM admins"),
    ("admin-allowed-ips", "/admin/allowed-ips", "gate", "Everybody's allowed IPs"),
    ("audit", "/admin/audit", "ledger", "Audit"),
    ("doctor", "/admin/doctor", "pulse", "Doctor"),
)
"""The menu for admins: section, address, icon, name."""


def create_templates(settings: Settings) -> Jinja2Templates:
    """Autoescaping and strict: an undefined name in a template is an error, never an empty string."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(settings=settings, admin_pages=ADMIN_PAGES, me=None, sign_in=None)
    environment.filters.update(
        iso=lambda at: at.isoformat(timespec="seconds"), duration=humanize.precisedelta, span=humanize.naturaldelta
    )
    return Jinja2Templates(env=environment)


def wants_fragment(request: Request) -> bool:
    """Whether htmx asks for a part: not when it is boosted or restores history, which want the whole page."""
    headers = request.headers
    return "hx-request" in headers and "hx-boosted" not in headers and "hx-history-restore-request" not in headers


def render(
    request: Request, page: str, context: Mapping[str, Any], *, fragment: str | None = None, status: int = 200
) -> HTMLResponse:
    """Answer with `page`, or with `fragment` where htmx asked for a part of it."""
    templates: Jinja2Templates = request.app.state.templates
    name = fragment if fragment and wants_fragment(request) else page
    known = {"me": getattr(request.state, "member", None), "sign_in": getattr(request.state, "sign_in", None)}
    response = templates.TemplateResponse(request, name, {**known, **context}, status_code=status)
    response.headers["Vary"] = "HX-Request"
    return response


def redirect(path: str) -> RedirectResponse:
    """After a form: fetch that page with GET."""
    return RedirectResponse(path, status_code=303)


def redirect_to_sign_in(then: str) -> RedirectResponse:
    """Sign in (again), and go on to that path."""
    return redirect(f"/sign-in?{urlencode({'next': then}, safe='/')}")


def error_json(error: StationmasterError) -> JSONResponse:
    """The API's one error shape."""
    body: dict[str, Any] = {"code": error.code, "message": error.message}
    if error.hint:
        body["hint"] = error.hint
    if error.fields:
        body["fields"] = error.fields
    headers = {"WWW-Authenticate": "Bearer"} if error.status == 401 else None
    return JSONResponse({"error": body}, status_code=error.status, headers=headers)


def _error_response(request: Request, error: StationmasterError) -> Response:
    if request.url.path.startswith(API):
        return error_json(error)
    by_browser = request.method == "GET" and "authorization" not in request.headers
    if isinstance(error, SignInRequiredError) and by_browser and not wants_fragment(request):
        return redirect_to_sign_in(_here(request))
    return render(request, "errors/error.html", {"error": error}, status=error.status)


def _here(request: Request) -> str:
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


def add_error_handlers(app: FastAPI) -> None:
    """Every error is a page that says what happened and what to do, or the one JSON shape under /api/."""

    @app.exception_handler(StationmasterError)
    async def known(request: Request, error: StationmasterError) -> Response:
        return _error_response(request, error)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        return _error_response(request, InvalidError("Some fields do not fit.", fields=field_sentences(error.errors())))

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> Response:
        if error.status_code == 404:
            return _error_response(request, NotFoundError())
        refused = StationmasterError(str(error.detail))
        refused.status, refused.code = error.status_code, "http_error"
        return _error_response(request, refused)

    @app.exception_handler(Exception)
    async def unexpected(request: Request, _: Exception) -> Response:
        # uvicorn logs the traceback, with the request's id; the page tells none of it.
        broken = StationmasterError("Something broke on our side. It is logged; nothing was half done.")
        broken.status, broken.code = 500, "internal_error"
        broken.hint = f"Tell your admin this request id: {request.state.request_id}"
        return _error_response(request, broken)


_SENTENCES = {"extra_forbidden": "There is no such field.", "missing": "This is required."}
"""For pydantic's types of errors that it words for programmers."""


def field_sentences(errors: Any) -> dict[str, str]:
    """Pydantic's list of errors as field → sentence; the key is the field's name without where it came from."""
    sentences = {}
    for error in errors:
        location = [str(part) for part in error["loc"] if part not in {"body", "query", "path", "__root__"}]
        message = _SENTENCES.get(error["type"]) or str(error["msg"]).removeprefix("Value error, ")
        # Half a surrogate pair, which JSON can write and UTF-8 cannot, may be in a name that somebody made up.
        field = ".".join(location).encode(errors="replace").decode() or "body"
        sentences[field] = message[:1].upper() + message[1:]
    return sentences
