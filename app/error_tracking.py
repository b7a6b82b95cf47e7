"""Reports unexpected errors to a tracker with Sentry's protocol, if one is configured: tracebacks without data."""

import logging
import sys

from app.config import Settings
from app.errors import ConfigurationError

TAGS = ("request", "run", "worker", "path", "method")
"""The values of a log line that are reported with its exception."""


def start(settings: Settings, process: str) -> None:
    """Report exceptions that are logged as errors, and the one that ends the process.

    :param process: the name of the process in reports, such as `web`.
    :raises ConfigurationError: the setting is not a DSN, or the library is not installed.
    """
    if not settings.sentry_dsn:
        return
    try:
        import sentry_sdk
        from sentry_sdk.integrations.atexit import AtexitIntegration
        from sentry_sdk.integrations.excepthook import ExcepthookIntegration
    except ImportError as error:
        raise ConfigurationError("The setting STATIONMASTER_SENTRY_DSN needs the package sentry-sdk.") from error
    try:
        sentry_sdk.init(
            dsn=settings.sentry_dsn,
            # No integrations that collect requests, command lines or packages.
            default_integrations=False,
            auto_enabling_integrations=False,
            integrations=[ExcepthookIntegration(), AtexitIntegration(callback=_wait_silently)],
            include_local_variables=False,
            max_request_body_size="never",
            max_breadcrumbs=0,
            send_client_reports=False,
            # By itself, the library would ask Git.
            release="stationmaster",
        )
    except ValueError as error:
        raise ConfigurationError(f"The setting STATIONMASTER_SENTRY_DSN is invalid: {error}.") from None
    sentry_sdk.set_tag("process", process)
    logging.getLogger().addHandler(_Reporter(logging.ERROR))


def _wait_silently(_pending: int, _seconds: float) -> None:
    """Replaces the library's message on standard error at the end of the process."""


class _Reporter(logging.Handler):
    """Sends the exceptions of our own and the libraries' log lines."""

    def emit(self, record: logging.LogRecord) -> None:
        """One line of the log."""
        import sentry_sdk

        line = record.msg if isinstance(record.msg, dict) else {}
        # structlog keeps the exception in the line; True stands for the one that is handled now.
        given = line.get("exc_info") or record.exc_info
        error = sys.exception() if given is True else given
        if error:
            with sentry_sdk.new_scope() as scope:
                scope.set_tags({name: str(line[name]) for name in TAGS if name in line})
                sentry_sdk.capture_exception(error)
