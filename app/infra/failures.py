"""Decides from an error text whether, and how soon, to retry.

The patterns are only about retries. The explanations for people are in hints.py.
"""

import re
from enum import StrEnum

_KILLED = re.compile(
    r"Terraform was killed|Plugin did not respond|Plugin error|transport is closing|error reading from server|"
    r"Failed to (load plugin|obtain provider) schema|failed to instantiate provider|Unrecognized remote plugin message|"
    r"\(\*GRPCProvider\)\.\w+ request was cancelled",
    re.IGNORECASE,
)
"""The process of Terraform or its provider has crashed or was killed."""
_LASTING = re.compile(
    r"does not have enough resources available|ZONE_RESOURCE_POOL_EXHAUSTED|is currently unavailable in the|"
    r"Quota '\w+' exceeded|quotaExceeded|SERVICE_DISABLED|is disabled|BILLING_DISABLED|requires billing|"
    r"IAM_PERMISSION_DENIED|Error 40[0134]\b|constraints/|was not found|does not exist|"
    r"resourceInUseByAnotherResource|is already being used by|Couldn't find free blocks|belongs to something else|"
    r"can't reuse the name of the deleted instance",
    re.IGNORECASE,
)
"""Errors that remain until somebody does something. Google reports some of them with a status of 5xx."""
_TRANSIENT = re.compile(
    r"Error 5\d\d|Error 429|^(5\d\d|429) (GET|POST|Google)|timeout while waiting|connection re(set|fused)|i/o timeout|"
    r"EOF\b|TLS handshake timeout|context deadline exceeded|no such host|client connection lost|"
    r"Internal error\. .*\(Code: |Error code 13\b|concurrent policy changes|ended with exit code \d+ without an error",
    re.IGNORECASE,
)
"""Errors that usually end by themselves: internal ones of Google, timeouts, conflicts with other changes."""
_TOO_MANY = re.compile(r"rateLimitExceeded|Rate Limit Exceeded", re.IGNORECASE)
"""Too many requests. Google reports them with the status 403, like missing permissions."""
_EXISTS = re.compile(r"alreadyExists|already exists|you already own it", re.IGNORECASE)
"""An earlier attempt has created the resource. The next attempt adopts it."""


class Failure(StrEnum):
    """What to do about a failure."""

    KILLED = "killed"
    """Retry at once."""
    TRANSIENT = "transient"
    """Retry after a while."""
    LASTING = "lasting"
    """Do not retry."""


def classify(error: str) -> Failure:
    """The kind of failure that a text describes."""
    if _KILLED.search(error):
        return Failure.KILLED
    # Before the lasting errors, because its status is 403 as well.
    if _TOO_MANY.search(error):
        return Failure.TRANSIENT
    is_transient = (_EXISTS.search(error) or _TRANSIENT.search(error)) and not _LASTING.search(error)
    return Failure.TRANSIENT if is_transient else Failure.LASTING


def of_all(errors: list[str]) -> Failure:
    """The kind of failure of several errors of one command: the worst counts."""
    kinds = {classify(error) for error in errors}
    if not errors or Failure.LASTING in kinds:
        return Failure.LASTING
    return Failure.TRANSIENT if Failure.TRANSIENT in kinds else Failure.KILLED
