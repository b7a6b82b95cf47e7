"""The ways in which an attempt at a run can end early."""

from google.api_core.exceptions import GoogleAPICallError, ServerError, TooManyRequests
from google.auth.exceptions import GoogleAuthError

GOOGLE_ERRORS = (GoogleAPICallError, GoogleAuthError, OSError)
"""The errors of Google's clients. An OSError, from requests, means that there was no answer."""


class RunFailedError(Exception):
    """The run fails. The message is the raw error text."""


class StockOutError(RunFailedError):
    """Google has no capacity for the machine in its zone."""


class NoDiskError(RunFailedError):
    """There is no data disk to take a snapshot of: the workstation has none, or it was deleted at Google."""


class TransientError(Exception):
    """A transient error: the attempt is repeated after a while. The message is the raw error text."""


class KilledError(TransientError):
    """Terraform or its provider was killed. The attempt is repeated at once."""


class DiskFullError(TransientError):
    """A folder that this worker writes to is full. The attempt is repeated until there is space."""


class TooSoonError(TransientError):
    """Google does this only so often. The attempt is repeated until the next time is possible."""


class CanceledError(Exception):
    """The run was canceled, and its Terraform has ended. Changes that it made have to be rolled back."""


class ApprovalRequiredError(Exception):
    """The plan is stored and requires approval. Until then, the run needs no worker."""


class CapacityAwaitedError(Exception):
    """Google has no capacity, and the run waits for it. Until the next try, it needs no worker."""


class HandedOverError(Exception):
    """This worker shuts down. Another one continues the run."""


def is_transient(error: Exception) -> bool:
    """Whether one of GOOGLE_ERRORS is worth a retry: a server error, too many requests, or no answer."""
    return isinstance(error, (ServerError, TooManyRequests)) or not isinstance(error, GoogleAPICallError)
