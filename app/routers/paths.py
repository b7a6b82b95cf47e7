"""Where to go after signing in: only to a page of the portal itself."""

from urllib.parse import urlsplit

HOME = "/"
NEW_SECURITY_KEY = "/account/security-keys/new"
LONGEST = 1000
"""Characters; it goes into a cookie, of which browsers take 4096."""


def local_path(desired: str | None) -> str:
    """`desired` if it is a path of this portal, else the first page.

    Browsers read "//host", "/\\host" and paths with control characters in them as other sites' addresses.
    """
    if not desired or not desired.startswith("/") or desired.startswith(("//", "/\\")):
        return HOME
    if len(desired) > LONGEST or not (desired.isascii() and desired.isprintable()) or "\\" in desired:
        return HOME
    try:
        parts = urlsplit(desired)
    except ValueError:
        return HOME
    return HOME if parts.scheme or parts.netloc else desired
