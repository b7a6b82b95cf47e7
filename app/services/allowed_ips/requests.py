"""The checks of a request to allow an IP range: the range, its label and its expiry."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from app.errors import InvalidError
from app.models.allowed_ip import Network
from app.services.shared import ip_ranges

LONGEST_LABEL = 60
LONGEST_TIME = timedelta(days=5 * 365)


@dataclass(frozen=True)
class AllowedIpSpec:
    """A requested IP range."""

    cidr: str
    label: str
    expires_at: datetime | None = None
    is_confirmed: bool = False
    """The member has confirmed a range that requires it."""
    comes_from: str = ""
    """The IP address that the request came from, which needs no confirmation."""


def parse_range(spec: AllowedIpSpec, now: datetime) -> Network:
    """The requested range. Raises InvalidError with a sentence for each invalid field."""
    fields: dict[str, str] = {}
    for check in (_check_range, _check_label, _check_end):
        try:
            check(spec, now)
        except InvalidError as error:
            fields |= error.fields
    if fields:
        raise InvalidError("Fix the errors below.", fields=fields)
    return ip_ranges.read(spec.cidr)


def check_end(expires_at: datetime | None, now: datetime) -> None:
    """Raises InvalidError if the expiry is in the past or too far away."""
    if expires_at is not None and not now < expires_at <= now + LONGEST_TIME:
        raise InvalidError("Invalid expiry.", fields={"expires_at": "Choose a time in the next five years."})


def _check_range(spec: AllowedIpSpec, _: datetime) -> None:
    network = ip_ranges.read(spec.cidr)
    doubts = ip_ranges.doubts(network)
    if doubts and not spec.is_confirmed and network != ip_ranges.of_client(spec.comes_from):
        raise InvalidError(
            "Confirmation required.", fields={"confirm": " ".join([*doubts, "Confirm to allow this range."])}
        )


def _check_label(spec: AllowedIpSpec, _: datetime) -> None:
    label = spec.label.strip()
    if not label or len(label) > LONGEST_LABEL or not label.isprintable():
        sentence = f"Enter a label, such as home or office, of at most {LONGEST_LABEL} characters."
        raise InvalidError("Invalid label.", fields={"label": sentence})


def _check_end(spec: AllowedIpSpec, now: datetime) -> None:
    check_end(spec.expires_at, now)
