"""The emulator's few web pages."""

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.responses import HTMLResponse, Response

if TYPE_CHECKING:
    from jinja2 import Environment

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}


TEMPLATES = Path(__file__).parent / "templates"
STYLE = TEMPLATES / "style.css"


class Pages:
    def render(self, template: str, *, status: int = 200, **context: Any) -> Response:
        text = self._environment.get_template(template).render(**context)
        return HTMLResponse(text, status, headers=HEADERS)

    @cached_property
    def _environment(self) -> "Environment":
        # Imported here: a run without a browser never needs it.
        from jinja2 import Environment, FileSystemLoader, StrictUndefined

        return Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined)
