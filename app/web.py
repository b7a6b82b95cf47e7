"""Creates responses: pages from templates, and errors as pages, JSON or text."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import humanize
import jinja2
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse
from fastapi.routing import iter_route_contexts
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.templating import Jinja2Templates

from app import notices, sent_forms, static_files
from app.config import Settings
from app.db import is_unavailable
from app.errors import (
    ConflictError,
    InvalidError,
    NotFoundError,
    SignInRequiredError,
    StationmasterError,
    UnavailableError,
)
from app.notices import Done
from app.services.catalog import HOURS_A_MONTH

log = structlog.get_logger()

HERE = Path(__file__).resolve().parent
API = "/api/"
TEXT = ("/ssh_compute_config", "/ssh_known_hosts", "/ssh-setup.sh", "/ssh-setup.ps1", "/metrics")
"""Paths that programs read as files, with errors as text."""
ADMIN_PAGES = (
    ("shared-stack", "/admin/shared-stack", "stack", "Shared stack"),
    ("all-workstations", "/admin/workstations", "machine", "All workstations"),
    ("members", "/admin/members", "people", "Members"),
    ("policy", "/admin/policy", "clock", "Policy"),
    ("iam-admins", "/admin/iam", "shield", "IAM admins"),
    ("admin-allowed-ips", "/admin/allowed-ips", "gate", "All allowed IPs"),
    ("audit", "/admin/audit", "ledger", "Audit log"),
    ("doctor", "/admin/doctor", "heartbeat", "Doctor"),
)
"""The admins' menu: section, path, icon, name."""


def create_templates(settings: Settings) -> Jinja2Templates:
    """The templates, which escape HTML and raise an error for undefined names."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        settings=settings, static=static_files.address, admin_pages=ADMIN_PAGES, hours_a_month=HOURS_A_MONTH, me=None
    )
    environment.filters.update(
        iso=lambda at: at.isoformat(timespec="seconds"), duration=humanize.precisedelta, span=humanize.naturaldelta
    )
    return Jinja2Templates(env=environment)


def wants_fragment(request: Request) -> bool:
    """Whether htmx requests a fragment. Boosted links and restored history need the whole page."""
    headers = request.headers
    return "hx-request" in headers and "hx-boosted" not in headers and "hx-history-restore-request" not in headers


def render(
    request: Request, page: str, context: Mapping[str, Any], *, fragment: str | None = None, status: int = 200
) -> HTMLResponse:
    """Respond with `page`, or with `fragment` if htmx requests that."""
    templates: Jinja2Templates = request.app.state.templates
    name = fragment if fragment and wants_fragment(request) else page
    state = request.state
    known = {
        "me": getattr(state, "viewer", None),
        "sent": sent_forms.read(request),
        "done": notices.sentence(request.query_params.get(notices.PARAMETER, "")),
        "moment": getattr(state, "moment", ""),
    }
    response = templates.TemplateResponse(request, name, {**known, **context}, status_code=status)
    # Page and fragment have the same URL, and caches must not mix them up.
    response.headers["Vary"] = "HX-Request"
    return response


def redirect(path: str, done: Done | None = None) -> RedirectResponse:
    """Redirect to a page after a form; the page says what was done, if that is not what it shows anyway."""
    return RedirectResponse(notices.address(path, done) if done else path, status_code=303)


def redirect_to_sign_in(then: str) -> RedirectResponse:
    """Redirect to the sign-in, which then returns to `then`."""
    return redirect(f"/sign-in?{urlencode({'next': then}, safe='/')}")


def _error_json(error: StationmasterError) -> JSONResponse:
    """The form of all errors in the API."""
    body: dict[str, Any] = {"code": error.code, "message": error.message}
    if error.hint:
        body["hint"] = error.hint
    if error.fields:
        body["fields"] = error.fields
    return JSONResponse({"error": body}, status_code=error.status)


def error_response(request: Request, error: StationmasterError) -> Response:
    """An error as a page, as JSON under /api/, or as text for paths in TEXT."""
    path = request.url.path
    if path.startswith(API):
        response: Response = _error_json(error)
    elif isinstance(error, SignInRequiredError) and _is_navigation(request):
        return redirect_to_sign_in(_here(request))
    elif path in TEXT:
        response = PlainTextResponse(" ".join(filter(None, (error.message, error.hint))) + "\n", error.status)
    else:
        again = _here(request) if error.retry_after and request.method == "GET" else None
        response = render(request, "errors/error.html", {"error": error, "again": again}, status=error.status)
    if error.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    if error.retry_after:
        response.headers["Retry-After"] = str(error.retry_after)
    return response


async def _form_again(request: Request, error: StationmasterError) -> Response | None:
    """The page of a refused form, or the sign-in that leads to it; None for other requests and errors."""
    if type(error) is SignInRequiredError and not wants_fragment(request):
        kept = await sent_forms.send_back(request, None)
        if kept:
            then = kept.headers["location"]
            kept.headers["location"] = redirect_to_sign_in(then).headers["location"]
        return kept
    return await sent_forms.send_back(request, error) if isinstance(error, (InvalidError, ConflictError)) else None


def _is_navigation(request: Request) -> bool:
    """Whether a browser requests a whole page, so that it can be redirected to the sign-in."""
    if request.method != "GET" or "authorization" in request.headers or wants_fragment(request):
        return False
    return request.url.path not in TEXT or "text/html" in request.headers.get("accept", "")


def _here(request: Request) -> str:
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


def _methods(request: Request) -> set[str]:
    """The methods that are allowed for the request's path."""
    # Each method is a separate route, and the framework reports only the first one's.
    path = request.url.path
    matching = [
        route
        for route in iter_route_contexts(request.app.router.routes)
        if route.methods and route.path_regex.match(path)
    ]
    # /ssh-keys/generate also matches the pattern of /ssh-keys/{id}.
    routes = [route for route in matching if route.path == path] or matching
    return {method for route in routes for method in route.methods or ()} or {"GET", "HEAD"}


def add_error_handlers(app: FastAPI) -> None:
    """Handle all expected errors. `middleware.telemetry` handles all others."""

    @app.exception_handler(StationmasterError)
    async def known(request: Request, error: StationmasterError) -> Response:
        return await _form_again(request, error) or error_response(request, error)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        return await known(request, InvalidError("Fix the errors below.", fields=field_sentences(error.errors())))

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> Response:
        # The same page as for things that exist but belong to others.
        if error.status_code == 404:
            return error_response(request, NotFoundError())
        refused = StationmasterError(str(error.detail))
        refused.status, refused.code = error.status_code, "http_error"
        response = error_response(request, refused)
        if error.status_code == 405:
            response.headers["Allow"] = ", ".join(sorted(_methods(request)))
        return response

    @app.exception_handler(SQLAlchemyError)
    async def database(request: Request, error: SQLAlchemyError) -> Response:
        if not is_unavailable(error):
            raise error
        log.warning("the database does not answer", error=str(error.__cause__ or error))
        hint = "Wait a moment, then try again. Your workstations keep running."
        return error_response(request, UnavailableError("The database is not responding.", hint=hint))


_SENTENCES = {"extra_forbidden": "Unknown field.", "missing": "This field is required."}
"""Sentences for pydantic's errors whose own messages are for programmers."""


def field_sentences(errors: Any) -> dict[str, str]:
    """pydantic's errors as a sentence for each field."""
    sentences = {}
    for error in errors:
        location = [str(part) for part in error["loc"] if part not in {"body", "query", "path", "__root__"}]
        message = _SENTENCES.get(error["type"]) or str(error["msg"]).removeprefix("Value error, ")
        # A field's name may contain an unpaired surrogate, which JSON can express and UTF-8 cannot.
        field = ".".join(location).encode(errors="replace").decode() or "body"
        sentences[field] = message[:1].upper() + message[1:]
    return sentences
