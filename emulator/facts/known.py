"""What is known beyond the bindings, read from `known/*.toml` and laid over their blocks.

A resource's table may hold: `id` (its format), `force_new`, `sensitive`, `links` (names compared as resource links),
`computed_blocks` (kept as they are when the configuration has none), `default`, `enum` and `pattern` (by path), and the
rules `exactly_one_of`, `at_least_one_of`, `required_with` and `conflicts` (lists of lists of paths). A path is dotted;
`name{}` in `force_new` is a block with all that is in it, and `updatable` takes paths inside it out again.
"""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Table = dict[str, Any]

FOLDER = Path(__file__).parent / "known"
RULES = ("exactly_one_of", "at_least_one_of", "required_with", "conflicts")
DETAILS = ("default", "enum", "pattern")


def read_known() -> tuple[dict[str, Table], list[str]]:
    """The tables of all resource types, and the types of data sources."""
    resources: dict[str, Table] = {}
    data_sources: list[str] = []
    for file in sorted(FOLDER.glob("*.toml")):
        tables = tomllib.loads(file.read_text())
        data_sources += tables.pop("data_sources", {}).get("types", [])
        resources |= tables
    return resources, sorted(data_sources)


class Overlay:
    """Lays one resource's table over its block; `missing` collects the paths that this version does not have."""

    def __init__(self, block: Table) -> None:
        self.block = block
        self.missing: set[str] = set()

    def apply(self, table: Table) -> Table:
        """The resource as the provider serves it: block, id and rules."""
        for path in table.get("force_new", ()):
            self._force_new(path, set(table.get("updatable", ())))
        for path in table.get("sensitive", ()):
            self._flag(path, "s")
        for path in table.get("links", ()):
            self._flag(path, "l")
        for detail in DETAILS:
            for path, value in table.get(detail, {}).items():
                for attribute in self._attributes(path):
                    attribute[detail] = value
        for path in table.get("computed_blocks", ()):
            for block in self._blocks(path):
                block["computed"] = True
        resource: Table = {"block": self.block, "id": table.get("id", "")}
        rules = {rule: kept for rule in RULES if (kept := self._rule(table.get(rule, ())))}
        return resource | ({"rules": rules} if rules else {})

    def _rule(self, groups: list[list[str]]) -> list[list[str]]:
        kept = [[path for path in group if self._exists(path)] for group in groups]
        return [group for group in kept if len(group) > 1]

    def _force_new(self, path: str, updatable: set[str]) -> None:
        if not path.endswith("{}"):
            self._flag(path, "n")
            return
        for block in self._blocks(path.removesuffix("{}")):
            _force_all(block, path.removesuffix("{}"), updatable)

    def _flag(self, path: str, letter: str) -> None:
        for attribute in self._attributes(path):
            if letter not in attribute["is"]:
                attribute["is"] += letter

    def _attributes(self, path: str) -> Iterator[Table]:
        yield from self._find(path, "attributes")

    def _blocks(self, path: str) -> Iterator[Table]:
        yield from self._find(path, "blocks")

    def _exists(self, path: str) -> bool:
        block, name = self._walk(path)
        if block is not None and (name in block["attributes"] or name in block["blocks"]):
            return True
        self.missing.add(path)
        return False

    def _find(self, path: str, kind: str) -> Iterator[Table]:
        block, name = self._walk(path)
        if block is not None and name in block[kind]:
            yield block[kind][name]
        else:
            self.missing.add(path)

    def _walk(self, path: str) -> tuple[Table | None, str]:
        block: Table | None = self.block
        *parents, name = path.split(".")
        for parent in parents:
            block = block["blocks"].get(parent, {}).get("block") if block is not None else None
        return block, name


def _force_all(nested: Table, path: str, updatable: set[str]) -> None:
    nested["force_new"] = True
    for name, attribute in nested["block"]["attributes"].items():
        settable = "o" in attribute["is"] or "r" in attribute["is"]
        if settable and f"{path}.{name}" not in updatable and "n" not in attribute["is"]:
            attribute["is"] += "n"
    for name, inner in nested["block"]["blocks"].items():
        if f"{path}.{name}" not in updatable:
            _force_all(inner, f"{path}.{name}", updatable)
