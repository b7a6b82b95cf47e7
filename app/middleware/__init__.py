"""The middleware around every request, the outermost last."""

from fastapi import FastAPI

from app.deps import Portal
from app.middleware import csrf, telemetry
from app.middleware.bodies import BodyLimit
from app.middleware.failed_sign_ins import FailedSignInLimit
from app.middleware.hosts import OwnHost


def add_to(app: FastAPI, portal: Portal) -> None:
    """Add the middleware to the application."""
    # Starlette puts what is added last outermost.
    csrf.protect(app, portal)
    app.add_middleware(FailedSignInLimit)
    app.add_middleware(OwnHost)
    app.add_middleware(BodyLimit, most_bytes=portal.settings.max_body_bytes)
    app.add_middleware(telemetry.Observer)
