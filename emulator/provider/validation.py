"""What `terraform validate` finds beyond the schema: combinations, choices, patterns, arguments nobody may set."""

import re
from collections.abc import Iterator
from typing import Any

from emulator.provider.errors import Diagnostic
from emulator.provider.facts_file import Attribute, Block, Resource
from emulator.provider.values import UNKNOWN, State

Path = tuple[str | int, ...]


def validate(resource: Resource, config: State) -> list[Diagnostic]:
    """Everything that is wrong with one resource's configuration."""
    found = list(_validate_block(resource["block"], config, ()))
    for rule, groups in resource.get("rules", {}).items():
        for group in groups:
            found += _RULES[rule](group, config)
    return found


def _validate_block(block: Block, config: State, path: Path) -> Iterator[Diagnostic]:
    for name, attribute in block["attributes"].items():
        value = config.get(name)
        if value is not None and value is not UNKNOWN:
            yield from _validate_attribute(name, attribute, value, (*path, name))
    for name, nested in block["blocks"].items():
        inner = config.get(name)
        for index, item in enumerate(inner if isinstance(inner, list) else [inner]):
            if isinstance(item, dict):
                # Elements of a set have no index that a path could name.
                step = (index,) if nested["nesting"] == "list" else ()
                yield from _validate_block(nested["block"], item, (*path, name, *step))


def _validate_attribute(name: str, attribute: Attribute, value: Any, path: Path) -> Iterator[Diagnostic]:
    if attribute["is"].startswith("c") or path == ("id",):
        yield Diagnostic(
            "Value for unconfigurable attribute",
            path,
            f'Can\'t configure a value for "{name}": its value will be decided automatically based on the result of '
            "applying this configuration.",
        )
    for item in value if isinstance(value, list) else [value]:
        if not isinstance(item, str):
            continue
        if "enum" in attribute and item not in attribute["enum"]:
            choices = " ".join(f'"{choice}"' for choice in attribute["enum"])
            yield Diagnostic(f"expected {name} to be one of [{choices}], got {item}", path)
        if "pattern" in attribute and not re.search(attribute["pattern"], item):
            yield Diagnostic(f'"{name}" ("{item}") doesn\'t match regexp "{attribute["pattern"]}"', path)


def _exactly_one_of(group: list[str], config: State) -> list[Diagnostic]:
    if not _applies(group, config):
        return []
    given, unknown = _given(group, config)
    if not given and not unknown:
        return [_invalid(group[0], f"one of `{','.join(sorted(group))}` must be specified")]
    if len(given) > 1:
        names = ",".join(sorted(group))
        return [_invalid(group[0], f"only one of `{names}` can be specified, but `{','.join(given)}` were specified.")]
    return []


def _at_least_one_of(group: list[str], config: State) -> list[Diagnostic]:
    given, unknown = _given(group, config)
    if given or unknown or not _applies(group, config):
        return []
    return [_invalid(group[0], f"one of `{','.join(sorted(group))}` must be specified")]


def _required_with(group: list[str], config: State) -> list[Diagnostic]:
    given, unknown = _given(group, config)
    if not given or len(given) + len(unknown) == len(group):
        return []
    return [_invalid(given[0], f"all of `{','.join(group)}` must be specified")]


def _conflicts(group: list[str], config: State) -> list[Diagnostic]:
    given, _ = _given(group, config)
    if len(given) < 2:
        return []
    return [
        Diagnostic("Conflicting configuration arguments", _path(given[0]), f'"{given[0]}": conflicts with {given[1]}')
    ]


_RULES = {
    "exactly_one_of": _exactly_one_of,
    "at_least_one_of": _at_least_one_of,
    "required_with": _required_with,
    "conflicts": _conflicts,
}


def _invalid(name: str, problem: str) -> Diagnostic:
    return Diagnostic("Invalid combination of arguments", _path(name), f'"{name}": {problem}')


def _path(dotted: str) -> Path:
    """A path in the first of each block. Rules apply only to blocks that occur at most once."""
    *parents, name = dotted.split(".")
    steps: list[str | int] = []
    for parent in parents:
        steps += [parent, 0]
    return (*steps, name)


def _given(group: list[str], config: State) -> tuple[list[str], list[str]]:
    values = {name: _look_up(name, config) for name in group}
    return (
        [name for name, value in values.items() if value is not None and value is not UNKNOWN],
        [name for name, value in values.items() if value is UNKNOWN],
    )


def _applies(group: list[str], config: State) -> bool:
    """Whether the block that the group is about is there at all."""
    parent = group[0].rpartition(".")[0]
    return not parent or _look_up(parent, config) is not None


def _look_up(dotted: str, config: State) -> Any:
    value: Any = config
    for name in dotted.split("."):
        if isinstance(value, list):
            value = value[0] if value else None
        if value is UNKNOWN:
            return UNKNOWN
        value = value.get(name) if isinstance(value, dict) else None
    return None if value == [] else value
