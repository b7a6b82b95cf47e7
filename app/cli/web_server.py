"""The web process: uvicorn with a shutdown that ends open streams."""

from types import FrameType

import uvicorn

from app.cli.http_protocol import LimitedHttp
from app.config import Settings
from app.main import create_app


class WebServer(uvicorn.Server):
    """A server that stops in a fraction of a second: it ends live streams, which would never end by themselves."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Handle a signal to stop."""
        self.config.app.state.portal.hub.close()  # type: ignore[union-attr]  # always the FastAPI below
        super().handle_exit(sig, frame)


def serve(settings: Settings) -> None:
    """Serve until a signal."""
    config = uvicorn.Config(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        http=LimitedHttp,
        ws="none",
        log_config=None,
        access_log=False,
        proxy_headers=True,
        forwarded_allow_ips=settings.trusted_proxies,
        timeout_graceful_shutdown=5,
        server_header=False,
    )
    WebServer(config).run()
