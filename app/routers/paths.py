"""Where to go after signing in: only to a page of the portal itself."""

from urllib.parse import urlsplit

HOME = "/"


def local_path(wanted: str | None) -> str:
    """`wanted` if it is a path of this portal, else the first page.

    Browsers read "//host", "/\\host" and paths with control characters in them as other sites' addresses.
    """
    if not wanted or not wanted.startswith("/") or wanted.startswith(("//", "/\\")):
        return HOME
    if not (wanted.isascii() and wanted.isprintable()) or "\\" in wanted:
        return HOME
    try:
        parts = urlsplit(wanted)
    except ValueError:
        return HOME
    return HOME if parts.scheme or parts.netloc else wanted
