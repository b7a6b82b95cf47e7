"""The forms of allowed IPs: what was typed, and the wish that it makes."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import Form

from app.errors import InvalidError
from app.services.allowed_ips.requests import AllowedIpSpec

Text = Annotated[str, Form()]

FOR_EVER = "for ever"
AS_ASKED = "as asked"
_TIMES = {
    "1 hour": timedelta(hours=1),
    "1 day": timedelta(days=1),
    "1 week": timedelta(weeks=1),
    "30 days": timedelta(days=30),
    "90 days": timedelta(days=90),
    "1 year": timedelta(days=365),
}
USUAL = "30 days"
TIME_OPTIONS = [*((name, name) for name in _TIMES), (FOR_EVER, "Until it is removed")]


@dataclass(frozen=True)
class Typed:
    """What was typed, with a sentence for each field that did not fit."""

    cidr: str = ""
    label: str = ""
    lasts: str = USUAL
    owner: str = ""
    problems: dict[str, str] = field(default_factory=dict)

    def spec(self, now: datetime, comes_from: str, *, is_confirmed: bool) -> AllowedIpSpec:
        """The wish. Raises InvalidError for a time that is not offered."""
        return AllowedIpSpec(self.cidr, self.label, end_of(self.lasts, now), is_confirmed, comes_from)


def end_of(lasts: str, now: datetime) -> datetime | None:
    """When the time is over; None for ever. Raises InvalidError for one that is not offered."""
    if lasts == FOR_EVER:
        return None
    if lasts not in _TIMES:
        raise InvalidError("The time does not fit.", fields={"expires_at": "Choose one of these."})
    return now + _TIMES[lasts]
