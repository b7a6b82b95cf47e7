"""The forms of the portal's pages, and what is sent in their place by whoever is no browser."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode

NUMBER = "9" * 5000
TEXT = "x" * 10_000
FORM = "application/x-www-form-urlencoded"


@dataclass
class FormOnPage:
    """One form as it stands on a page: what a browser would send."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[FormOnPage] = []
        self._select = self._textarea = ""
        self._is_open = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.found.append(FormOnPage(given.get("action", ""), given.get("method", "get")))
            self._is_open = True
        elif self._is_open:
            self._add_control(tag, given)

    def _add_control(self, tag: str, given: dict[str, str]) -> None:
        fields, name = self.found[-1].fields, given.get("name", "")
        if tag == "option" and self._select and (self._select not in fields or "selected" in given):
            fields[self._select] = given.get("value", "")
        elif tag == "select":
            self._select = name
        elif tag == "textarea":
            self._textarea, fields[name] = name, ""
        elif tag in {"input", "button"} and name and ("checked" in given or name not in fields):
            fields[name] = given.get("value", "")

    def handle_data(self, data: str) -> None:
        if self._textarea:
            self.found[-1].fields[self._textarea] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._is_open = False
        elif tag == "select":
            self._select = ""
        elif tag == "textarea":
            self._textarea = ""


def forms_of(page: str) -> list[FormOnPage]:
    """The forms of a page."""
    parser = _Forms()
    parser.feed(page)
    return parser.found


Sent = dict[str, Any]
"""What a request has: content and headers, or data and files."""


def garbage(names: Iterable[str]) -> dict[str, Sent]:
    """By a word for each: bodies in which no field has what belongs there."""
    names = list(names)
    return {
        "NULs": {"data": dict.fromkeys(names, "\0")},
        "NULs in words": {"data": dict.fromkeys(names, "dev\0-1")},
        "a number": {"data": dict.fromkeys(names, NUMBER)},
        "text": {"data": dict.fromkeys(names, TEXT)},
        "raw bytes": _bytes(b"&".join(name.encode() + b"=\xff\xfe\0" for name in names)),
        "files": {"files": {name: (f"{name}.txt", b"dev-1") for name in names}},
        "too many": {"data": {**dict.fromkeys(names, "\0"), **{f"field-{number}": "x" for number in range(2000)}}},
    }


def oddities(names: Iterable[str]) -> dict[str, Sent]:
    """By a word for each: bodies in which no field may be found, or a text that somebody may have meant."""
    names = list(names)
    parts = [f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n\0\r\n' for name in names]
    body = "".join(parts).encode() + b"--x--\r\n"
    return {
        "nothing": {},
        "other digits": {"data": dict.fromkeys(names, "\u0661\u0662\u0663")},
        "no UTF-8": _bytes("&".join(f"{name}=%ff%fe" for name in names).encode()),
        "half a surrogate": _bytes("&".join(f"{name}=%ed%a0%80" for name in names).encode()),
        "another charset": _bytes("&".join(f"{name}=1" for name in names).encode("utf-16"), f"{FORM}; charset=utf-16"),
        "parts without an end": _bytes(body[:-10], "multipart/form-data; boundary=x"),
        "parts without a boundary": _bytes(body, "multipart/form-data"),
        "parts of no charset": _bytes(body, 'multipart/form-data; boundary="x"; charset=klingon'),
        "parts that are none": _bytes(b"\0" * 1000, "multipart/form-data; boundary=x"),
        "JSON": _bytes(b"[" * 1000, "application/json"),
    }


def one_by_one(form: dict[str, str]) -> Iterator[tuple[str, Sent]]:
    """What a browser would send, but for one field: it is missing, or has what does not belong there."""
    for name in form:
        others = {other: value for other, value in form.items() if other != name}
        yield f"without {name}", {"data": others}
        for word, value in {"NUL": "\0", "a number": NUMBER}.items():
            yield f"{word} as {name}", {"data": {**others, name: value}}
        yield f"no UTF-8 as {name}", _bytes(urlencode(others).encode() + f"&{name}=%ff".encode())
        yield f"a file as {name}", {"data": others, "files": {name: (f"{name}\0.txt", b"\xff")}}


def _bytes(content: bytes, content_type: str = FORM) -> Sent:
    return {"content": content, "headers": {"Content-Type": content_type}}
