"""create_app: all the wiring of the web process, on one page."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.staticfiles import StaticFiles

from app import clock, db
from app.config import Settings
from app.crypto import Vault
from app.deps import Portal
from app.live import Hub
from app.web import HERE, add_error_handlers, create_templates


def create_app(settings: Settings) -> FastAPI:
    """The portal as an ASGI application."""
    database = db.connect(settings.database_url)
    portal = Portal(
        settings=settings,
        database=database,
        hub=Hub(database),
        vault=Vault(settings.encryption_keys),
        clock=clock.utc_now,
    )
    app = FastAPI(title="Stationmaster", docs_url=None, redoc_url=None, openapi_url=None, lifespan=_lifespan)
    app.state.portal = portal
    app.state.templates = create_templates(settings)
    add_error_handlers(app)
    app.mount("/static", StaticFiles(directory=HERE / "static"), name="static")
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    portal: Portal = app.state.portal
    portal.hub.start()
    try:
        yield
    finally:
        await portal.hub.stop()
        await portal.database.close()
