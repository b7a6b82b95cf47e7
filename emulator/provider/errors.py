"""Errors in the words of Google's provider: people search for them, and the portal's hints are made for them."""

from typing import Any, NamedTuple

CANCELED = "error while retrieving operation: unable to finish polling, context has been cancelled"


class Diagnostic(NamedTuple):
    """One error as Terraform shows it; `path` leads to the argument, names and list indexes."""

    summary: str
    path: tuple[str | int, ...] = ()
    detail: str = ""


class ProviderError(Exception):
    """Something that the provider itself refuses; the message is what Terraform prints."""


class GoogleApiError(Exception):
    """The cloud refused a call. `kept`: the resource exists all the same, so Terraform must keep it as tainted."""

    raw: str | None = None
    prefix: str | None = None
    operation: dict[str, Any] | None = None
    """Code and details of a failed operation; None if the call itself was refused."""
    kept = False

    def __init__(self, code: int, message: str, reason: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.reason = reason

    @classmethod
    def from_answer(cls, status: int, answer: Any) -> "GoogleApiError":
        error = answer.get("error") if isinstance(answer, dict) else None
        if not isinstance(error, dict):
            return cls(status, "the answer was not understood", "backendError")
        read = cls(int(error.get("code") or status), str(error.get("message", "")), str(error.get("reason", "")))
        read.raw, read.prefix, read.kept = error.get("raw"), error.get("prefix"), bool(error.get("kept"))
        read.operation = error.get("operation")
        return read

    def __str__(self) -> str:
        return self.raw or f"googleapi: Error {self.code}: {self.message}, {self.reason}"


def failed(verb: str, resource_type: str, state: dict[str, Any], error: GoogleApiError) -> str:
    """Terraform's error for a create, update, delete or read that the cloud refused."""
    if error.raw:
        return error.raw
    why = operation_error(error.message, **error.operation) if error.operation is not None else str(error)
    if error.prefix is not None:
        return f"{error.prefix}{why}"
    if error.operation is not None:
        return _while_waiting(verb, resource_type, why)
    name = noun(resource_type)
    if resource_type.endswith(("_iam_member", "_iam_binding")):
        return _failed_grant(verb, resource_type, state, error)
    if resource_type == "google_compute_attached_disk" and verb == "create":
        return str(error)  # this one resource passes the API's error on as it is
    if verb in ("create", "update"):
        return f"Error {verb[:-1]}ing {name}: {error}"
    if resource_type == "google_compute_instance" and verb == "delete":
        return f"Error deleting instance: {error}"
    return f'Error when reading or editing {name} "{state.get("id", "")}": {error}'


def _failed_grant(verb: str, resource_type: str, state: dict[str, Any], error: GoogleApiError) -> str:
    kind, _, what = resource_type.removeprefix("google_").rpartition("_iam_")
    where = f'{kind.replace("_", " ")} "{str(state.get("id")).partition("/" + str(state.get("role")))[0]}"'
    doing = f"{verb.capitalize()} IAM Members {state.get('role')} {state.get('member')} for {where}"
    if what == "binding":
        doing = f"{'Delete' if verb == 'delete' else 'Set'} IAM Binding for role {state.get('role')} on {where}"
    why = f"Error applying IAM policy for {where}: Error setting IAM policy for {where}: {error}"
    return f"Request `{doing}` returned error: {why}"


def canceled(verb: str, resource_type: str) -> str:
    """Terraform's error if it is stopped while it waits. The operation itself continues in the cloud."""
    return _while_waiting(verb, resource_type, CANCELED)


def _while_waiting(verb: str, resource_type: str, why: str) -> str:
    if resource_type == "google_compute_instance":
        return f"Error waiting for instance to {verb}: {why}"
    name = noun(resource_type)
    waiting = f"Error waiting for {verb[:-1].capitalize()}ing {name}: {why}"
    return f"Error waiting to create {name}: {waiting}" if verb == "create" else waiting


def operation_error(message: str, code: str, errorDetails: list[dict[str, Any]]) -> str:  # noqa: N803  # Google's name
    """The provider's text for the error of an operation: quota details if there are any, else its help, never its
    code."""
    quotas = [detail["quotaInfo"] for detail in errorDetails if "quotaInfo" in detail]
    if code == "QUOTA_EXCEEDED" and quotas:
        return f"{message}\n{_quota(quotas[0])}"
    texts = [detail["localizedMessage"]["message"] for detail in errorDetails if "localizedMessage" in detail]
    links = [detail["help"]["links"][0] for detail in errorDetails if "help" in detail]
    more = [f"{texts[0]}\n"] if texts else []
    more += [f"{links[0]['description']}\n{links[0]['url']}\n"] if links else []
    return "\n\n".join([f"{message}\n", *more])


def _quota(info: dict[str, Any]) -> str:
    lines = [f"metric name = {info['metricName']}", f"limit name = {info['limitName']}"]
    # As Go prints numbers and maps; a limit of nothing is left out.
    lines += [f"limit = {info['limit']:g}"] if info["limit"] else []
    lines += [f"dimensions = map[{' '.join(f'{name}:{value}' for name, value in info['dimensions'].items())}]"]
    return "".join(f"\t{line}\n" for line in lines)


def still_labelling(resource_type: str) -> str:
    """Terraform's error for the second step of a create."""
    return f"Error waiting for Updating Compute{noun(resource_type)} Labels: {CANCELED}"


def noun(resource_type: str) -> str:
    """The provider's name for a resource type: `google_compute_disk` is a Disk. Only "instance" is lower-case."""
    if resource_type == "google_compute_instance":
        return "instance"
    short = resource_type.removeprefix("google_").removeprefix("compute_")
    return "".join(part.capitalize() for part in short.split("_"))
