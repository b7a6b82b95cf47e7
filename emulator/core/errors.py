"""Errors of the emulated cloud, in each of the three shapes that callers expect."""

from typing import Any

REASONS = {
    400: "invalid",
    401: "authError",
    403: "forbidden",
    404: "notFound",
    409: "alreadyExists",
    412: "conditionNotMet",
    429: "rateLimitExceeded",
}
# One Platform APIs, such as Secret Manager, use names of google.rpc.Code instead of reasons.
STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ALREADY_EXISTS",
    412: "FAILED_PRECONDITION",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}


class CloudError(Exception):
    """An error that Google would return.

    `raw` replaces the whole text that Terraform prints, and `prefix` the provider's part of it. `kept`: the resource
    exists in spite of the error. `in_operation`: the call was accepted and its operation failed, with `reason` as its
    code and with `details`.
    """

    def __init__(
        self,
        code: int,
        message: str,
        reason: str = "",
        *,
        raw: str | None = None,
        prefix: str | None = None,
        kept: bool = False,
        in_operation: bool = False,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.reason = reason or REASONS.get(code, "backendError")
        self.raw = raw
        self.prefix = prefix
        self.kept = kept
        self.in_operation = in_operation
        self.details: list[dict[str, Any]] = []

    def for_terraform(self) -> dict[str, Any]:
        error: dict[str, Any] = {"code": self.code, "message": self.message, "reason": self.reason}
        if self.raw is not None:
            error["raw"] = self.raw
        if self.prefix is not None:
            error["prefix"] = self.prefix
        if self.kept:
            error["kept"] = True
        if self.in_operation:
            error["operation"] = {"code": self.reason, "errorDetails": self.details}
        return {"error": error}

    def for_compute(self) -> dict[str, Any]:
        detail = {"message": self.message, "domain": "global", "reason": self.reason}
        return {"error": {"code": self.code, "message": self.message, "errors": [detail]}}

    def for_one_platform(self) -> dict[str, Any]:
        status = STATUSES.get(self.code, "UNKNOWN")
        status = {"failedPrecondition": "FAILED_PRECONDITION", "aborted": "ABORTED"}.get(self.reason, status)
        return {"error": {"code": self.code, "message": self.message, "status": status}}


def not_found(resource: str) -> CloudError:
    return CloudError(404, f"The resource '{resource}' was not found")


def already_exists(resource: str) -> CloudError:
    return CloudError(409, f"The resource '{resource}' already exists")


def in_use(what: str, resource: str, user: str) -> CloudError:
    return CloudError(
        400,
        f"The {what} resource '{resource}' is already being used by '{user}'",
        "resourceInUseByAnotherResource",
    )


def not_ready(resource: str) -> CloudError:
    return CloudError(400, f"The resource '{resource}' is not ready", "resourceNotReady")


def invalid_field(field: str, value: object, why: str) -> CloudError:
    return CloudError(400, f"Invalid value for field '{field}': '{value}'. {why}")
