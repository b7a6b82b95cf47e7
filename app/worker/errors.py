"""How an attempt at a run can end before its goal is reached."""

from google.api_core.exceptions import GoogleAPICallError, ServerError, TooManyRequests
from google.auth.exceptions import GoogleAuthError

GOOGLE_ERRORS = (GoogleAPICallError, GoogleAuthError, OSError)
"""What Google's clients raise; OSError is what requests does where there is no answer."""


class RunFailedError(Exception):
    """The run ends without success; the message is the raw text of why."""


class TransientError(Exception):
    """Something that usually ends by itself: the same is tried again after a while. The message is the raw text."""


class KilledError(TransientError):
    """Terraform or its provider was killed: there is nothing to wait for."""


class DiskFullError(TransientError):
    """A folder of this worker's has no space left: it is waited for, however long that takes."""


class CanceledError(Exception):
    """Somebody wants the run stopped, and nothing of it goes on: what it did is to be undone."""


class ApprovalRequiredError(Exception):
    """The plan is stored and waits for somebody to approve it; no worker is needed until then."""


class HandedOverError(Exception):
    """This worker is leaving; another one goes on with the run."""


def is_transient(error: Exception) -> bool:
    """Whether one of GOOGLE_ERRORS is worth trying again: Google's own, or no answer at all."""
    return isinstance(error, (ServerError, TooManyRequests)) or not isinstance(error, GoogleAPICallError)
