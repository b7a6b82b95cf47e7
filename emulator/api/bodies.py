"""Reading what callers send."""

import json

from starlette.requests import Request

from ..errors import CloudError
from ..store import Json


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
