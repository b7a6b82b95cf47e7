"""Terraform ids: made from a resource's values, and taken apart again on import.

A format holds `{argument}` for a value and `{argument.name}` for the short name at the end of a link.
"""

import re
from typing import Any

from emulator.core.ids import last
from emulator.provider.config import ProviderConfig
from emulator.provider.errors import ProviderError
from emulator.provider.values import UNKNOWN, State

IMPORT_IDS = {
    "google_compute_network_peering": "{project}/{network}/{name}",
    "google_project_iam_member": "{project} {role} {member}",
    "google_sql_user": "{project}/{instance}/{name}",
}
"""Types that are imported by another id than the one they have, as their pages in the provider's documentation say."""
PLACEHOLDER = re.compile(r"\{(\w+)(\.name)?\}")


def make_id(template: str, state: State, config: ProviderConfig) -> str:
    """The id of what `state` describes. Raises ProviderError when an argument that it needs is nowhere set."""

    def fill(found: re.Match[str]) -> str:
        name, short = found[1], found[2]
        value = state.get(name)
        if value in (None, "") or value is UNKNOWN:
            value = service_account_email(state, config) if name == "email" else config.place(name)
        if not value and name in ("project", "region", "zone"):
            raise ProviderError(f"{name}: required field is not set")
        return last(str(value)) if short else str(value or "")

    return PLACEHOLDER.sub(fill, template)


def service_account_email(state: State, config: ProviderConfig) -> str:
    return f"{state.get('account_id')}@{state.get('project') or config.project}.iam.gserviceaccount.com"


def parse_import_id(template: str, given: str, config: ProviderConfig) -> tuple[str, dict[str, Any]]:
    """The full id for what a person typed (the id itself, its values with slashes, or the last of them), and the
    arguments that it contains."""
    names = [found[1] for found in PLACEHOLDER.finditer(template)]
    exact = re.fullmatch(_pattern(template), given)
    if exact:
        return given, dict(zip(names, exact.groups(), strict=True))
    parts = given.split("/")
    if not parts[0] or len(parts) > len(names):
        return given, {}
    values: dict[str, Any] = {name: config.place(name) for name in names}
    values |= dict(zip(names[-len(parts) :], parts, strict=True))
    return PLACEHOLDER.sub(lambda found: str(values[found[1]]), template), values


def _pattern(template: str) -> str:
    literals = PLACEHOLDER.split(template)[::3]
    # The name of a role has a slash, so that spaces separate it from its neighbours.
    value = "([^ ]+)" if " " in template else "([^/]+)"
    return value.join(re.escape(literal) for literal in literals)
