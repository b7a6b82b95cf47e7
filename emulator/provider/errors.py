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
    """The cloud said no. `kept`: the object exists all the same, and Terraform is to keep (and taint) it."""

    raw: str | None = None
    prefix: str | None = None
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
        return read

    def __str__(self) -> str:
        return self.raw or f"googleapi: Error {self.code}: {self.message}, {self.reason}"


def failed(verb: str, resource_type: str, state: dict[str, Any], error: GoogleApiError) -> str:
    """What Terraform prints for a create, update, delete or read that the cloud refused."""
    if error.raw:
        return error.raw
    if error.prefix is not None:
        return f"{error.prefix}{error}"
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
    """What is printed when a Stop cuts a wait short: the operation itself goes on in the cloud."""
    if resource_type == "google_compute_instance":
        return f"Error waiting for instance to {verb}: {CANCELED}"
    name = noun(resource_type)
    return f"Error waiting to {verb} {name}: Error waiting for {verb[:-1].capitalize()}ing {name}: {CANCELED}"


def still_labelling(resource_type: str) -> str:
    """The same, for the second step of a create."""
    return f"Error waiting for Updating Compute{noun(resource_type)} Labels: {CANCELED}"


def noun(resource_type: str) -> str:
    """`google_compute_disk` is a Disk; the instance alone is written small."""
    if resource_type == "google_compute_instance":
        return "instance"
    short = resource_type.removeprefix("google_").removeprefix("compute_")
    return "".join(part.capitalize() for part in short.split("_"))
