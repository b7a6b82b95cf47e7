"""The forms of allowed IPs: their fields, and the spec they make."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from starlette.requests import Request

from app import origin
from app.errors import InvalidError
from app.sent_forms import SentForm
from app.services.allowed_ips.requests import AllowedIpSpec

FOR_EVER = "for ever"
AS_REQUESTED = "as requested"
_TIMES = {
    "1 hour": timedelta(hours=1),
    "1 day": timedelta(days=1),
    "1 week": timedelta(weeks=1),
    "30 days": timedelta(days=30),
    "90 days": timedelta(days=90),
    "1 year": timedelta(days=365),
}
USUAL = "30 days"
TIME_OPTIONS = [*((name, name) for name in _TIMES), (FOR_EVER, "No expiry")]


@dataclass(frozen=True)
class Typed:
    """The fields of a form, with a sentence for each invalid one."""

    cidr: str = ""
    label: str = ""
    lasts: str = USUAL
    owner: str = ""
    confirm: str = ""
    problems: dict[str, str] = field(default_factory=dict)

    def spec(self, now: datetime) -> AllowedIpSpec:
        """The spec that the form makes. Raises InvalidError if the duration is not one of the options."""
        comes_from = origin.current().place
        return AllowedIpSpec(self.cidr, self.label, end_of(self.lasts, now), bool(self.confirm), comes_from)


async def typed_into(request: Request) -> Typed:
    """The fields of a submitted form."""
    sent = await request.form(max_files=0, max_fields=50)
    return _typed({name: value for name, value in sent.items() if isinstance(value, str)})


def typed_again(sent: SentForm, owner: str = "") -> Typed:
    """The fields as they were sent, if the page shows a refused form; otherwise empty but for `owner`."""
    return replace(_typed({"owner": owner, **sent.values}), problems=sent.errors)


def _typed(texts: Mapping[str, str]) -> Typed:
    return Typed(
        cidr=texts.get("cidr", ""),
        label=texts.get("label", ""),
        lasts=texts.get("lasts") or USUAL,
        owner=texts.get("owner", ""),
        confirm=texts.get("confirm", ""),
    )


def end_of(lasts: str, now: datetime) -> datetime | None:
    """When the duration ends; None for no expiry. Raises InvalidError if it is not one of the options."""
    if lasts == FOR_EVER:
        return None
    if lasts not in _TIMES:
        raise InvalidError("Invalid duration.", fields={"lasts": "Choose one of the options."})
    return now + _TIMES[lasts]
