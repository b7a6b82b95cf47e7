"""Google's partial responses: `fields=items/*/instances(name,status),nextPageToken` leaves out everything else."""

import re
from typing import Any

from emulator.core.errors import CloudError
from emulator.core.store import Json

TOKEN = re.compile(r"\s*([(),/]|\*|[A-Za-z][\w.\-]*)")
Selection = dict[str, "Selection"]
"""Field → what of it is selected; all of it where that is empty."""


def select(view: Json, expression: str) -> Json:
    """The parts of an answer that the expression names; all of it without one. Raises CloudError (400)."""
    if not expression:
        return view
    return dict(_selected(view, _Reader(expression).whole()))


def _selected(value: Any, selection: Selection) -> Any:
    if not selection:
        return value
    if isinstance(value, list):
        return [_selected(each, selection) for each in value]
    if not isinstance(value, dict):
        return value
    chosen = {name: selection.get(name, selection.get("*")) for name in value}
    return {name: _selected(value[name], inner) for name, inner in chosen.items() if inner is not None}


class _Reader:
    """Recursive descent: paths with commas between them; a path ends with a group in brackets, or without."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = TOKEN.findall(text)
        self._is_whole = not TOKEN.sub("", text).strip()

    def whole(self) -> Selection:
        found = self._several()
        if self._tokens or not self._is_whole:
            raise self._wrong()
        return found

    def _several(self) -> Selection:
        found = self._path()
        while self._tokens[:1] == [","]:
            self._tokens.pop(0)
            found |= self._path()
        return found

    def _path(self) -> Selection:
        name = self._take()
        if not re.fullmatch(r"\*|[A-Za-z].*", name):
            raise self._wrong()
        match self._tokens[:1]:
            case ["/"]:
                self._tokens.pop(0)
                return {name: self._path()}
            case ["("]:
                self._tokens.pop(0)
                inner = self._several()
                if self._take() != ")":
                    raise self._wrong()
                return {name: inner}
        return {name: {}}

    def _take(self) -> str:
        if not self._tokens:
            raise self._wrong()
        return str(self._tokens.pop(0))

    def _wrong(self) -> CloudError:
        return CloudError(400, f"Invalid field selection {self._text}", "invalidParameter")
