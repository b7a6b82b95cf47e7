"""The differences between two values of a resource, attribute by attribute, in a readable form."""

import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any, TypedDict

LONGEST = 200
"""How many characters of a value are shown."""
LEAD = 40
"""How many equal characters are shown before the place where two long values differ."""
SENSITIVE, UNKNOWN, REPLACES = "sensitive", "known after apply", "forces replacement"
ADDED, REMOVED = "added", "removed"
HIDDEN = "(sensitive)"
_COPIES = ("effective_labels", "terraform_labels")

Step = str | int
Path = tuple[Step, ...]
Clean = Callable[[str], str]


class Attribute(TypedDict):
    """An attribute that differs. A value is None if there is none, or it is not known yet."""

    path: str
    before: str | None
    after: str | None
    note: str | None
    """SENSITIVE, UNKNOWN, ADDED, REMOVED and REPLACES, separated by commas."""


class Change(TypedDict):
    """A change to one resource."""

    address: str
    type: str
    name: str
    action: str
    """create, update, delete, replace, import (without other changes), move or forget."""
    imported: bool
    reason: str | None
    attributes: list[Attribute]


@dataclass(frozen=True)
class Side:
    """The value before or after, with its sensitive parts.

    `marks` is true if the whole value is sensitive, otherwise a tree of the value's shape (as in Terraform's JSON), or
    empty.
    """

    value: Any
    marks: Any = False

    @property
    def is_hidden(self) -> bool:
        return self.marks is True

    def at(self, step: Step) -> "Side":
        """The part at this key or index; None if there is none."""
        return Side(_part(self.value, step), _part(self.marks, step))

    @property
    def masked(self) -> Any:
        """The value without its sensitive parts."""
        if self.is_hidden and self.value is not None:
            return HIDDEN
        if isinstance(self.value, dict):
            return {key: self.at(key).masked for key in self.value}
        if isinstance(self.value, list):
            return [self.at(index).masked for index in range(len(self.value))]
        return self.value


def differences(
    before: Side,
    after: Side,
    clean: Clean,
    unknown: Any = False,
    replacing: Collection[Path] = (),
    path: Path = (),
) -> list[Attribute]:
    """The attributes that differ: those that force a replacement first, those that are not known yet last.

    Empty and missing values count as equal, and the provider's copies of labels are left out.

    :param clean: removes known secrets from a text.
    :param unknown: the parts of `after` that are not known yet, in the form of `Side.marks`.
    :param replacing: the paths that cannot be changed in place.
    :param path: the path of the two values.
    """
    found = [_attribute(leaf, clean, replacing) for leaf in _leaves(path, before, after, unknown)]
    found.sort(key=lambda attribute: (REPLACES not in (attribute["note"] or ""), UNKNOWN in (attribute["note"] or "")))
    # If only the copies differ, for example by a default label, the difference is shown.
    return [attribute for attribute in found if not attribute["path"].startswith(_COPIES)] or found


@dataclass(frozen=True)
class _Leaf:
    path: Path
    before: Side
    after: Side
    is_unknown: bool = False
    note: str | None = None
    """ADDED or REMOVED, for an element of a list."""

    @property
    def is_hidden(self) -> bool:
        return self.before.is_hidden or self.after.is_hidden


def _leaves(path: Path, before: Side, after: Side, unknown: Any) -> Iterator[_Leaf]:
    leaf = _Leaf(path, before, after, unknown is True)
    if leaf.is_unknown:
        yield leaf
    elif before.value == after.value and not unknown:
        return
    elif elements := _elements(leaf, unknown):
        yield from elements
    elif not leaf.is_hidden and (steps := _steps(before.value, after.value, unknown)):
        for step in steps:
            yield from _leaves((*path, step), before.at(step), after.at(step), _part(unknown, step))
    elif not (_is_nothing(before.value) and _is_nothing(after.value)):
        yield leaf


def _elements(leaf: _Leaf, unknown: Any) -> list[_Leaf]:
    """What was added to and removed from a list of texts or numbers; nothing for other values.

    Shown by their indexes, one element more at the beginning would change all.
    """
    sides, values = (leaf.before, leaf.after), (leaf.before.value, leaf.after.value)
    are_open = not unknown and not any(_has_marks(side.marks) for side in sides)
    if not are_open or not all(_is_plain_list(value) for value in values):
        return []
    before, after = (Counter(value) for value in values)
    removed = [_Leaf(leaf.path, Side(each), Side(None), note=REMOVED) for each in (before - after).elements()]
    added = [_Leaf(leaf.path, Side(None), Side(each), note=ADDED) for each in (after - before).elements()]
    return removed + added


def _has_marks(marks: Any) -> bool:
    if isinstance(marks, list):
        return any(_has_marks(mark) for mark in marks)
    return bool(marks)


def _is_plain_list(value: Any) -> bool:
    return isinstance(value, list) and all(type(each) in (str, int, float) for each in value)


def _steps(before: Any, after: Any, unknown: Any) -> list[Step]:
    """The keys or indexes to compare one by one; none if the two values have different shapes."""
    values = [value for value in (before, after) if value is not None]
    trees = [*values, unknown] if unknown else values
    if all(isinstance(tree, dict) for tree in trees):
        return sorted({key for tree in trees for key in tree})
    if all(isinstance(tree, list) for tree in trees):
        return list(range(max(len(tree) for tree in trees)))
    return []


def _is_nothing(value: Any) -> bool:
    return value is None or value == [] or value == {}


def _part(tree: Any, step: Step) -> Any:
    if isinstance(tree, dict):
        return tree.get(step)
    if isinstance(tree, list):
        return tree[step] if isinstance(step, int) and step < len(tree) else None
    # Everything within a marked value is marked.
    return tree is True or None


def _attribute(leaf: _Leaf, clean: Clean, replacing: Collection[Path]) -> Attribute:
    before, after = (_text(side, leaf.is_hidden, clean) for side in (leaf.before, leaf.after))
    notes = [
        *([SENSITIVE] if leaf.is_hidden else []),
        *([UNKNOWN] if leaf.is_unknown else []),
        *([leaf.note] if leaf.note else []),
        *([REPLACES] if any(_overlap(leaf.path, other) for other in replacing) else []),
    ]
    if leaf.is_unknown:
        after = None
    before, after = _cut(before, after)
    return Attribute(path=clean(_written(leaf.path)), before=before, after=after, note=", ".join(notes) or None)


def _text(side: Side, is_hidden: bool, clean: Clean) -> str | None:
    if side.value is None:
        return None
    if is_hidden:
        return HIDDEN
    value = side.masked
    return clean(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def _cut(before: str | None, after: str | None) -> tuple[str | None, str | None]:
    """Both texts from shortly before the place where they differ, if that is far from the beginning."""
    start = 0
    if before and after and max(len(before), len(after)) > LONGEST:
        pairs = enumerate(zip(before, after, strict=False))
        parting = next((index for index, (one, other) in pairs if one != other), min(len(before), len(after)))
        start = max(0, parting - LEAD)
    return _window(before, start), _window(after, start)


def _window(text: str | None, start: int) -> str | None:
    if text is None:
        return None
    shown = text[start : start + LONGEST]
    return ("…" if start else "") + shown + ("…" if len(text) > start + LONGEST else "")


def _overlap(one: Path, other: Path) -> bool:
    shared = min(len(one), len(other))
    return one[:shared] == other[:shared]


def _written(path: Path) -> str:
    """A path as text: labels.owner, boot_disk[0].size, metadata["a b"]"""
    words = [
        f".{step}" if isinstance(step, str) and re.fullmatch(r"[\w-]+", step) else f"[{json.dumps(step)}]"
        for step in path
    ]
    return "".join(words).removeprefix(".")
