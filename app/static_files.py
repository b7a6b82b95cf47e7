"""The files that pages need: sent compressed, and kept by browsers until they change."""

import hashlib
from functools import lru_cache
from pathlib import Path
from urllib.parse import parse_qs

from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Scope

FOLDER = Path(__file__).resolve().parent / "static"
PREFIX = "/static"
FOR_A_YEAR = "public, max-age=31536000, immutable"


def address(name: str) -> str:
    """The address of a file, which contains its version: a changed file has another address."""
    return f"{PREFIX}/{name}?v={_version(name)}"


def serve() -> ASGIApp:
    """The application that sends the files."""
    return GZipMiddleware(_Files(directory=FOLDER), minimum_size=500, compresslevel=6)


class _Files(StaticFiles):
    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        asked = parse_qs(scope["query_string"].decode("latin-1")).get("v")
        # During a deployment, a page of the other release may ask for a version that this one does not have.
        if asked and response.status_code in (200, 304) and asked == [_version(path)]:
            response.headers["Cache-Control"] = FOR_A_YEAR
        return response


def _version(name: str) -> str:
    file = FOLDER / name
    return _digest(file, file.stat().st_mtime_ns)


@lru_cache
def _digest(file: Path, changed_ns: int) -> str:
    """Read again when the file has changed at `changed_ns`."""
    return hashlib.sha256(file.read_bytes()).hexdigest()[:12]
