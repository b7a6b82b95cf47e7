"""Compute Engine's list filters, as far as they are used: `labels.stack = "x" AND status != DONE`, `(a eq b) (c ne
d)`."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from emulator.core.errors import CloudError, invalid_field

Match = Callable[[Mapping[str, Any]], bool]
TOKEN = re.compile(r"""\s*(\(|\)|!=|<=|>=|[=:<>]|"[^"]*"|'[^']*'|[^\s()=:<>!"']+)""")
ORDERED = {"<", "<=", ">", ">="}


def compile_filter(text: str) -> Match:
    """Raises CloudError (400) for an expression that cannot be read."""
    if not text.strip():
        return lambda item: True
    return _Reader(text).whole()


class _Reader:
    """Recursive descent: OR of ANDs of comparisons; two terms side by side are an AND."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = self._split(text)
        self._next = 0

    def whole(self) -> Match:
        match = self._any()
        if self._peek():
            raise self._wrong()
        return match

    def _any(self) -> Match:
        terms = [self._every()]
        while self._peek().upper() == "OR":
            self._take()
            terms.append(self._every())
        return lambda item: any(term(item) for term in terms)

    def _every(self) -> Match:
        terms = [self._term()]
        while self._peek() not in ("", ")") and self._peek().upper() != "OR":
            if self._peek().upper() == "AND":
                self._take()
            terms.append(self._term())
        return lambda item: all(term(item) for term in terms)

    def _term(self) -> Match:
        if self._peek() != "(":
            return self._comparison()
        self._take()
        match = self._any()
        if self._take() != ")":
            raise self._wrong()
        return match

    def _comparison(self) -> Match:
        field, operator, value = self._take(), self._take(), self._take()
        if value[:1] in "\"'":
            value = value[1:-1]
        if not re.fullmatch(r"[\w.\-]+", field) or operator not in ORDERED | {"=", "!=", ":", "eq", "ne"}:
            raise self._wrong()
        return lambda item: _compare(_look_up(item, field.split(".")), operator, value)

    def _peek(self) -> str:
        return self._tokens[self._next] if self._next < len(self._tokens) else ""

    def _take(self) -> str:
        token = self._peek()
        if not token:
            raise self._wrong()
        self._next += 1
        return token

    def _split(self, text: str) -> list[str]:
        tokens, position = [], 0
        while position < len(text.rstrip()):
            found = TOKEN.match(text, position)
            if found is None:
                raise self._wrong()
            tokens.append(found[1])
            position = found.end()
        return tokens

    def _wrong(self) -> CloudError:
        return invalid_field("filter", self._text, "Invalid list filter expression.")


def _look_up(value: Any, path: list[str]) -> Any:
    """None where there is no such field; a list when any of its elements has it."""
    for number, part in enumerate(path):
        if isinstance(value, list):
            return [_look_up(element, path[number:]) for element in value]
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _compare(found: Any, operator: str, value: str) -> bool:
    if isinstance(found, list):
        return any(_compare(element, operator, value) for element in found)
    if operator in ORDERED:
        return found is not None and _in_order(found, operator, value)
    text = "" if found is None else str(found).lower() if isinstance(found, bool) else str(found)
    match operator:
        case "=":
            return text == value
        case "!=":
            return text != value
        case ":":
            return found is not None and (value == "*" or value.lower() in text.lower())
    try:
        same = re.fullmatch(value, text) is not None
    except re.error:
        same = text == value
    return same == (operator == "eq")


def _in_order(found: Any, operator: str, value: str) -> bool:
    try:
        difference = float(found) - float(value)
    except ValueError:
        # Times, which Google writes so that they sort.
        difference = (str(found) > value) - (str(found) < value)
    return {"<": difference < 0, "<=": difference <= 0, ">": difference > 0, ">=": difference >= 0}[operator]
