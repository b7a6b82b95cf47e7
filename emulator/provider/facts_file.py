"""The facts that a provider version serves, as `python -m emulator.facts` wrote them.

A block is `{"attributes": {name: attribute}, "blocks": {name: nested}}`. An attribute has `type` (string, number, bool,
or [list|set|map, type], ["object", {name: type}]) and `is`: letters for required, optional, computed, sensitive,
write-only (w), new (n: a change replaces the resource) and link (l: compared as a resource's name). Some attributes
have `default`, `enum` or `pattern`. A nested block has `nesting`, `block`, and perhaps `min`, `max`, `force_new` and
`computed` (the cloud may fill it in).
"""

import zlib
from pathlib import Path
from typing import Any

Attribute = dict[str, Any]
Block = dict[str, Any]
Resource = dict[str, Any]

FOLDER = Path(__file__).parent / "facts"
VERSIONS = ("7.45.0", "8.7.0")


class Facts:
    """One version's facts, parsed when first asked for: many provider processes serve just the stored schema."""

    def __init__(self, version: str) -> None:
        self._content = (FOLDER / f"google-{version}.json").read_bytes()
        self._parsed: dict[str, Any] | None = None

    @property
    def fingerprint(self) -> str:
        """Changes with the content. For telling caches apart, not against an adversary."""
        return f"{zlib.crc32(self._content):08x}"

    @property
    def provider(self) -> Block:
        return self._facts()["provider"]  # type: ignore[no-any-return]  # parsed JSON

    @property
    def resources(self) -> dict[str, Resource]:
        return self._facts()["resources"]  # type: ignore[no-any-return]  # parsed JSON

    @property
    def data_sources(self) -> dict[str, Block]:
        return self._facts()["data_sources"]  # type: ignore[no-any-return]  # parsed JSON

    def _facts(self) -> dict[str, Any]:
        if self._parsed is None:
            import json  # late, since a process that only serves the stored schema does without

            self._parsed = json.loads(self._content)
        return self._parsed
