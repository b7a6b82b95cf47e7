"""The MLflow server, as far as the worker asks it: whether it answers."""

import httpx2

TIMEOUT_SECONDS = 5.0


async def answers(url: str) -> bool | None:
    """Whether an MLflow server answers at this address; None where nothing lets us through to it.

    Its /health wants no password. Whatever is not a server's own error counts as an answer: an older server, or one
    behind something else, answers as well. A firewall drops what it does not let in, or hangs up.
    """
    try:
        async with httpx2.AsyncClient(timeout=TIMEOUT_SECONDS, trust_env=False) as client:
            answer = await client.get(f"{url.rstrip('/')}/health")
    except httpx2.HTTPError as error:
        return False if _is_refusal(error) else None
    return answer.status_code < 500


def _is_refusal(error: BaseException | None) -> bool:
    """Whether a machine said that nobody listens there; the client tells it only in what its error came from."""
    while error and not isinstance(error, ConnectionRefusedError):
        error = error.__cause__ or error.__context__
    return error is not None
