"""Removes secrets from texts, whatever Terraform, Google or a plugin may have printed."""

import json
import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from sqlalchemy.engine import make_url

from app.config import Settings
from app.services.terraform.attributes import Side
from app.services.terraform.state_resources import instances, outputs
from app.services.terraform.state_versions import State

SHORTEST = 6
"""The length of the shortest secret that is replaced, in characters. Shorter ones may be parts of harmless words."""
SCRUBBED = "(secret)"


class Scrubber:
    """Replaces known secrets in texts, also in their JSON form and, if they have several lines, each line."""

    def __init__(self, secrets: Iterable[str]) -> None:
        lines = {line.strip() for secret in secrets for line in (secret, *secret.splitlines())}
        forms = {form for line in lines if len(line) >= SHORTEST for form in _forms(line)}
        # Longest first, because a secret may contain another one.
        words = "|".join(re.escape(form) for form in sorted(forms, key=len, reverse=True))
        self._pattern = re.compile(words) if words else None

    def clean(self, text: str) -> str:
        """The text with `(secret)` in place of each secret."""
        return self._pattern.sub(SCRUBBED, text) if self._pattern else text


def secrets_of_settings(settings: Settings) -> set[str]:
    """The portal's own secrets."""
    found: set[str | None] = {*settings.encryption_keys, settings.oidc_client_secret}
    if settings.database_url:
        # Both the URL-encoded and the decoded form. libpq also accepts a password after the `?`.
        url = make_url(settings.database_url)
        found |= {url.password, urlsplit(settings.database_url).password, *_listed(url.query.get("password"))}
    return {secret for secret in found if secret}


def secrets_of_state(state: State) -> set[str]:
    """The values of sensitive outputs and attributes."""
    sides = [*outputs(state).values(), *(instance.attributes for instance in instances(state))]
    return {secret for side in sides for secret in hidden_in(side)}


def hidden_in(side: Side) -> set[str]:
    """The sensitive texts and numbers in a value."""
    if isinstance(side.value, dict):
        return {secret for key in side.value for secret in hidden_in(side.at(key))}
    if isinstance(side.value, list):
        return {secret for index in range(len(side.value)) for secret in hidden_in(side.at(index))}
    is_word = isinstance(side.value, str | int | float) and not isinstance(side.value, bool)
    return {str(side.value)} if side.is_hidden and is_word else set()


def _listed(value: str | tuple[str, ...] | None) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else value or ()


def _forms(secret: str) -> set[str]:
    """The forms in which a secret may appear: as it is, and in the JSON of Python and Go, which escapes HTML."""
    escaped = json.dumps(secret, ensure_ascii=False)[1:-1]
    for_html = escaped
    for character in "<>&":
        for_html = for_html.replace(character, f"\\u{ord(character):04x}")
    return {secret, escaped, for_html, json.dumps(secret)[1:-1]}
