"""The web process: uvicorn, which ends its open streams before it waits for them."""

from types import FrameType

import uvicorn

from app.cli.http_protocol import LimitedHttp
from app.config import Settings
from app.main import create_app


class WebServer(uvicorn.Server):
    """Live streams never end by themselves, so the hub is closed first; a stop takes a fraction of a second."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal to stop."""
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
