"""Adds a request ID and security headers to responses, and records requests in the log and metrics."""

import time
from collections.abc import MutableMapping
from typing import Any

import structlog
from fastapi import Request, Response
from prometheus_client import Counter, Histogram
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app import origin
from app.errors import StationmasterError
from app.models.base import short_id
from app.web import error_response

log = structlog.get_logger()

REQUESTS = Counter("stationmaster_http_requests_total", "HTTP requests answered.", ["method", "route", "status"])
DURATION = Histogram("stationmaster_http_request_seconds", "Time until the response began, in seconds.", ["route"])

HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; "
    "form-action 'self'",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
HTTPS_FOR_SECONDS = 365 * 24 * 3600
"""How long browsers that have used HTTPS refuse plain HTTP, in seconds."""
LONGEST_ADDRESS = 100
UNINTERESTING = ("/static/", "/healthz", "/readyz", "/metrics")
"""Paths that are requested all the time by machines. They are measured but not logged."""


class Observer:
    """An ASGI middleware. Starlette's BaseHTTPMiddleware would buffer live streams."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _trusted_id(Headers(scope=scope)) or short_id(12)
        scope.setdefault("state", {})["request_id"] = request_id
        began = time.perf_counter()
        has_answered = False

        async def send_with_headers(message: Message) -> None:
            nonlocal has_answered
            if message["type"] == "http.response.start":
                has_answered = True
                _add_headers(message, scope, request_id)
                _account(scope, message["status"], time.perf_counter() - began)
            await send(message)

        with structlog.contextvars.bound_contextvars(request=request_id), origin.bound(_client(scope), request_id):
            try:
                await self._app(scope, receive, send_with_headers)
            except Exception:
                # Handled here because the request's ID is known. Starlette's and uvicorn's handling is further outside.
                log.exception("unexpected error", method=scope["method"], path=scope["path"])
                if has_answered:
                    raise
                await _broken(scope, request_id)(scope, receive, send_with_headers)


def _broken(scope: Scope, request_id: str) -> Response:
    error = StationmasterError(
        "Something went wrong.",
        hint=f"The error was logged, and no changes were made. Give an admin this request ID: {request_id}",
    )
    error.status, error.code = 500, "internal_error"
    return error_response(Request(scope), error)


def _trusted_id(headers: Headers) -> str | None:
    """The request ID of a proxy, if it is valid."""
    # Restricted, since it is logged and shown on error pages.
    given = headers.get("x-request-id", "")
    return given if given.isascii() and given.replace("-", "").isalnum() and len(given) <= 64 else None


def _client(scope: Scope) -> str:
    """The client's address, which uvicorn has taken from trusted proxies."""
    host: str = (scope.get("client") or ("",))[0]
    return host[:LONGEST_ADDRESS] or origin.UNKNOWN


def _add_headers(message: MutableMapping[str, Any], scope: Scope, request_id: str) -> None:
    headers = MutableHeaders(scope=message)
    headers["X-Request-Id"] = request_id
    for name, value in HEADERS.items():
        headers.setdefault(name, value)
    if scope["app"].state.portal.settings.is_https:
        headers["Strict-Transport-Security"] = f"max-age={HTTPS_FOR_SECONDS}"
    # Static files may be cached, but are revalidated (by ETag), so that a new release is seen at once.
    headers.setdefault("Cache-Control", "no-cache" if scope["path"].startswith("/static/") else "no-store")


def _account(scope: Scope, status: int, seconds: float) -> None:
    route = getattr(scope.get("route"), "path", "unknown")
    REQUESTS.labels(scope["method"], route, str(status)).inc()
    DURATION.labels(route).observe(seconds)
    if not scope["path"].startswith(UNINTERESTING):
        log.info("request", method=scope["method"], path=scope["path"], status=status, ms=round(1000 * seconds, 1))
