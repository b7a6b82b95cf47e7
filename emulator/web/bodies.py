"""Reading what callers send."""

import json
from urllib.parse import parse_qsl

from starlette.requests import Request

from emulator.core.errors import CloudError
from emulator.core.store import Json


async def json_body(request: Request) -> Json:
    """Raises CloudError (400) for anything but a JSON object; nothing at all is an empty one."""
    text = await request.body()
    try:
        body = json.loads(text or b"{}")
    except ValueError:
        raise CloudError(400, "Parse Error", "parseError") from None
    if not isinstance(body, dict):
        raise CloudError(400, "Invalid JSON payload received: an object is wanted.", "parseError")
    return body


async def form_fields(request: Request) -> dict[str, str]:
    """Of an urlencoded form; the last of several values under one name."""
    body = await request.body()
    return dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))
