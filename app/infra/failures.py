"""What kind of failure a raw error text tells of: whether, and how soon, the same is worth trying again.

The patterns are about retrying alone; what people read of an error is in hints.py.
"""

import re
from enum import StrEnum

_KILLED = re.compile(
    r"Terraform was killed|Plugin did not respond|Plugin error|transport is closing|error reading from server|"
    r"Failed to (load plugin|obtain provider) schema|failed to instantiate provider|Unrecognized remote plugin message",
    re.IGNORECASE,
)
"""Terraform's or its provider's process ended in the middle of its work."""
_LASTING = re.compile(
    r"does not have enough resources available|ZONE_RESOURCE_POOL_EXHAUSTED|is currently unavailable in the|"
    r"Quota '\w+' exceeded|quotaExceeded|SERVICE_DISABLED|is disabled|BILLING_DISABLED|requires billing|"
    r"IAM_PERMISSION_DENIED|Error 40[0134]\b|constraints/|was not found|does not exist|"
    r"resourceInUseByAnotherResource|is already being used by|Couldn't find free blocks|is somebody else's|"
    r"can't reuse the name of the deleted instance",
    re.IGNORECASE,
)
"""What stays as it is until somebody does something, even where Google wraps it in one of its 5xx."""
_TRANSIENT = re.compile(
    r"Error 5\d\d|Error 429|^(5\d\d|429) (GET|POST|Google)|timeout while waiting|connection re(set|fused)|i/o timeout|"
    r"EOF\b|TLS handshake timeout|context deadline exceeded|no such host|client connection lost|"
    r"Internal error\. .*\(Code: |Error code 13\b|concurrent policy changes",
    re.IGNORECASE,
)
"""What usually ends by itself: Google's own errors, what took too long, what others did at the same time."""
_TOO_MANY = re.compile(r"rateLimitExceeded|Rate Limit Exceeded", re.IGNORECASE)
"""Google says 403 to too many requests as well as to missing permissions."""
_EXISTS = re.compile(r"alreadyExists|already exists|you already own it", re.IGNORECASE)
"""An earlier attempt made it: the next one adopts it."""


class Failure(StrEnum):
    """What to do about a failure."""

    KILLED = "killed"
    """Try again at once: there is nothing to wait for."""
    TRANSIENT = "transient"
    """Try again after a while."""
    LASTING = "lasting"
    """Trying again would fail again."""


def classify(error: str) -> Failure:
    """What kind of failure this text tells of."""
    if _KILLED.search(error):
        return Failure.KILLED
    if _TOO_MANY.search(error):
        return Failure.TRANSIENT
    is_transient = (_EXISTS.search(error) or _TRANSIENT.search(error)) and not _LASTING.search(error)
    return Failure.TRANSIENT if is_transient else Failure.LASTING


def of_all(errors: list[str]) -> Failure:
    """What several errors of one command come to: the worst of them decides."""
    kinds = {classify(error) for error in errors}
    if not errors or Failure.LASTING in kinds:
        return Failure.LASTING
    return Failure.TRANSIENT if Failure.TRANSIENT in kinds else Failure.KILLED
