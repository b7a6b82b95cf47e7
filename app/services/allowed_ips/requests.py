"""What somebody may wish to be let in, for how long, and under which name."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from app.errors import InvalidError
from app.models.allowed_ip import Network
from app.services import ip_ranges

LONGEST_LABEL = 60
LONGEST_TIME = timedelta(days=5 * 365)


@dataclass(frozen=True)
class AllowedIpSpec:
    """What somebody wants to be let in."""

    cidr: str
    label: str
    expires_at: datetime | None = None
    is_confirmed: bool = False
    """Whoever asks has read what is doubtful about it."""
    comes_from: str = ""
    """The address that the request came from: that one needs no confirmation."""


def parse_range(spec: AllowedIpSpec, now: datetime) -> Network:
    """The range that is wished for. Raises InvalidError with a sentence for each field that does not fit."""
    fields: dict[str, str] = {}
    for check in (_check_range, _check_label, _check_end):
        try:
            check(spec, now)
        except InvalidError as error:
            fields |= error.fields
    if fields:
        raise InvalidError("Some fields do not fit.", fields=fields)
    return ip_ranges.read(spec.cidr)


def check_end(expires_at: datetime | None, now: datetime) -> None:
    """Raises InvalidError for a time that is over, or far away."""
    if expires_at is not None and not now < expires_at <= now + LONGEST_TIME:
        raise InvalidError("The time does not fit.", fields={"expires_at": "Choose a time in the next five years."})


def _check_range(spec: AllowedIpSpec, _: datetime) -> None:
    network = ip_ranges.read(spec.cidr)
    doubts = ip_ranges.doubts(network)
    if doubts and not spec.is_confirmed and network != ip_ranges.of_client(spec.comes_from):
        raise InvalidError(
            "It must be confirmed.", fields={"confirm": " ".join([*doubts, "Confirm that you mean it."])}
        )


def _check_label(spec: AllowedIpSpec, _: datetime) -> None:
    label = spec.label.strip()
    if not label or len(label) > LONGEST_LABEL or not label.isprintable():
        sentence = f"Say what it is, such as home or office, in at most {LONGEST_LABEL} letters, digits and signs."
        raise InvalidError("The label does not fit.", fields={"label": sentence})


def _check_end(spec: AllowedIpSpec, now: datetime) -> None:
    check_end(spec.expires_at, now)
