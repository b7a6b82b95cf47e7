"""What calls to the Compute API have in common."""

from typing import TYPE_CHECKING, Any

from app.infra.machines import OperationFailedError

if TYPE_CHECKING:
    from google.cloud import compute_v1

# No retries by Google's client, which would take ten minutes without a message. The run itself retries.
ONCE: dict[str, Any] = {"timeout": 30.0, "retry": None}
WAIT: dict[str, Any] = {"timeout": 150.0, "retry": None}
"""Longer than the two minutes after which Google ends a wait for an operation, done or not."""


def check(operation: "compute_v1.Operation") -> None:
    """Raises OperationFailedError for one that has failed."""
    if operation.http_error_status_code:
        said = "; ".join(error.message for error in operation.error.errors) or operation.http_error_message
        raise OperationFailedError(f"{operation.operation_type}: Error {operation.http_error_status_code}: {said}")
