"""The MLflow server, as far as the worker asks it: whether it answers."""

import httpx2

TIMEOUT_SECONDS = 5.0


async def answers(url: str) -> bool:
    """Whether an MLflow server answers at this address. Its /health wants no password.

    Whatever is not a server's own error counts: an older server, or one behind something else, answers as well.
    """
    try:
        async with httpx2.AsyncClient(timeout=TIMEOUT_SECONDS, trust_env=False) as client:
            answer = await client.get(f"{url.rstrip('/')}/health")
    except httpx2.HTTPError:
        return False
    return answer.status_code < 500
