"""Lists: filtered, ordered, and a page at a time."""

import base64
import binascii
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from emulator.core.errors import invalid_field
from emulator.core.store import Json
from emulator.views.filters import compile_filter

PAGE_SIZE = 500


class Listed(Mapping[str, Any]):
    """A resource in a list. Its view is made once more than its name is asked for: of thousands, a page is shown."""

    def __init__(self, name: str, view: Callable[[], Json]) -> None:
        self._name, self._view = name, view

    @cached_property
    def _whole(self) -> Json:
        return self._view()

    def __getitem__(self, key: str) -> Any:
        return self._name if key == "name" else self._whole[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._whole)

    def __len__(self) -> int:
        return len(self._whole)


def page(items: Sequence[Mapping[str, Any]], query: Mapping[str, str]) -> tuple[list[Json], str]:
    """The page that `query` asks for, and the token of the next one. Raises CloudError (400)."""
    matches = compile_filter(query.get("filter", ""))
    found = _ordered([item for item in items if matches(item)], query.get("orderBy", ""))
    size, start = _size(query.get("maxResults", "")), _start(query.get("pageToken", ""))
    token = base64.urlsafe_b64encode(str(start + size).encode()).decode() if start + size < len(found) else ""
    return [dict(item) for item in found[start : start + size]], token


def list_view(kind: str, path: str, link: str, items: list[Json], token: str) -> Json:
    view: Json = {"kind": f"compute#{kind}List", "id": path, "selfLink": link}
    # Google leaves `items` out of an empty list.
    if items:
        view["items"] = items
    return view | ({"nextPageToken": token} if token else {})


def aggregated_view(kind: str, path: str, link: str, scopes: Mapping[str, list[Json]], name: str, token: str) -> Json:
    """An aggregated list. Like Google's, it names empty scopes with a warning.

    :param scopes: zones/Z → resources.
    """
    items: Json = {}
    for scope, found in scopes.items():
        items[scope] = {name: found} if found else {"warning": _nothing(scope)}
    view = {"kind": f"compute#{kind}AggregatedList", "id": path, "selfLink": link, "items": items}
    return view | ({"nextPageToken": token} if token else {})


def _nothing(scope: str) -> Json:
    return {
        "code": "NO_RESULTS_ON_PAGE",
        "message": f"There are no results for scope '{scope}' on this page.",
        "data": [{"key": "scope", "value": scope}],
    }


def _ordered(items: Sequence[Mapping[str, Any]], order: str) -> list[Mapping[str, Any]]:
    if not order:
        return sorted(items, key=lambda item: str(item["name"]))
    if order == "creationTimestamp desc":
        return sorted(items, key=lambda item: str(item.get("creationTimestamp", item.get("insertTime"))), reverse=True)
    if order == "name":
        return _ordered(items, "")
    raise invalid_field("orderBy", order, "Only 'name' and 'creationTimestamp desc' are supported.")


def _size(text: str) -> int:
    if not text:
        return PAGE_SIZE
    if not text.isdecimal() or not 1 <= int(text) <= PAGE_SIZE:
        raise invalid_field("maxResults", text, f"Must be between 1 and {PAGE_SIZE}.")
    return int(text)


def _start(token: str) -> int:
    try:
        return int(base64.urlsafe_b64decode(token.encode()) or b"0")
    except (binascii.Error, ValueError):
        raise invalid_field("pageToken", token, "The page token is invalid.") from None
