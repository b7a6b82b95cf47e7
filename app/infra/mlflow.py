"""Checks whether an MLflow server answers."""

import httpx2

TIMEOUT_SECONDS = 5.0


async def answers(url: str) -> bool | None:
    """Whether an MLflow server answers at this address; None if a firewall is in between."""
    try:
        # /health needs no password. A status below 500 is an answer, also from an older server or a proxy in front of
        # it.
        async with httpx2.AsyncClient(timeout=TIMEOUT_SECONDS, trust_env=False) as client:
            answer = await client.get(f"{url.rstrip('/')}/health")
    except httpx2.HTTPError as error:
        # A firewall drops packets or closes the connection; only a machine without a server refuses it.
        return False if _is_refusal(error) else None
    return answer.status_code < 500


def _is_refusal(error: BaseException | None) -> bool:
    """Whether a machine has refused the connection, which is the cause of the HTTP client's error."""
    while error and not isinstance(error, ConnectionRefusedError):
        error = error.__cause__ or error.__context__
    return error is not None
