"""Names of resources in their several spellings: full URL, relative, short."""

from typing import Any


def same_link(one: Any, other: Any) -> bool:
    """Whether two spellings can mean the same: one last name, and the shorter has nothing that the longer lacks."""
    if not isinstance(one, str) or not isinstance(other, str):
        return False
    short, long = sorted((_segments(one), _segments(other)), key=len)
    if not short or short[-1] != long[-1]:
        return False
    rest = iter(long)
    return all(segment in rest for segment in short)


def _segments(link: str) -> list[str]:
    relative = link.rpartition("/compute/v1/")[2] if "://" in link else link
    return [segment for segment in relative.split("/") if segment]
