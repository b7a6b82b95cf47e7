"""The forms of allowed IPs: what was typed, and the wish that it makes."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from starlette.requests import Request

from app import origin
from app.errors import InvalidError
from app.services.allowed_ips.requests import AllowedIpSpec

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
    confirm: str = ""
    problems: dict[str, str] = field(default_factory=dict)

    def spec(self, now: datetime) -> AllowedIpSpec:
        """What is asked for, from where the request came. Raises InvalidError for a time that is not offered."""
        comes_from = origin.current().place
        return AllowedIpSpec(self.cidr, self.label, end_of(self.lasts, now), bool(self.confirm), comes_from)


async def typed_into(request: Request) -> Typed:
    """The form's fields as they were sent."""
    sent = await request.form(max_files=0, max_fields=50)
    texts = {name: value for name, value in sent.items() if isinstance(value, str)}
    return Typed(
        cidr=texts.get("cidr", ""),
        label=texts.get("label", ""),
        lasts=texts.get("lasts") or USUAL,
        owner=texts.get("owner", ""),
        confirm=texts.get("confirm", ""),
    )


def end_of(lasts: str, now: datetime) -> datetime | None:
    """When the time is over; None for ever. Raises InvalidError for one that is not offered."""
    if lasts == FOR_EVER:
        return None
    if lasts not in _TIMES:
        raise InvalidError("The time does not fit.", fields={"expires_at": "Choose one of these."})
    return now + _TIMES[lasts]
