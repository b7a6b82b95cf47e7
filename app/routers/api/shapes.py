"""Parts that all API responses share, for the OpenAPI document."""

from typing import Any

from pydantic import BaseModel, Field


class ErrorDetail(BaseModel):
    """An error."""

    code: str = Field(description="The type of error, for programs.", examples=["invalid"])
    message: str = Field(description="A sentence for people.")
    hint: str | None = Field(None, description="What to do about it.")
    fields: dict[str, str] | None = Field(None, description="A sentence for each invalid field.")


class Error(BaseModel):
    """The body of every error response."""

    error: ErrorDetail


_DESCRIPTIONS = {
    401: "No valid token or sign-in, or the sign-in is too old.",
    403: "Not allowed.",
    404: "It does not exist, or you may not see it.",
    409: "It conflicts with the current state.",
    410: "It no longer exists.",
    413: "It is too large.",
    422: "Some fields are invalid.",
    429: "Too many requests. Wait a moment.",
    503: "An external service is not responding. Try again later.",
}


TEXT_ERROR: dict[str, Any] = {"content": {"text/plain": {"schema": {"type": "string"}}}}
"""The errors of paths that programs fetch as files: a line of text."""


def text_errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The error answers of an operation whose errors are text as well, for its `responses`."""
    described: dict[int | str, dict[str, Any]] = {
        status: {**TEXT_ERROR, "description": _DESCRIPTIONS[status]} for status in statuses
    }
    return {**described, "default": {**TEXT_ERROR, "description": "Any other error, as text."}}


def errors(*statuses: int, beside_text: bool = False) -> dict[int | str, dict[str, Any]]:
    """The error responses of an operation, for its `responses`. `default` stands for all other errors.

    :param beside_text: the operation returns plain text, which FastAPI would also use as the errors' media type.
    """
    shape: dict[str, Any] = {"model": Error}
    if beside_text:
        shape = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}}
    described: dict[int | str, dict[str, Any]] = {
        status: {**shape, "description": _DESCRIPTIONS[status]} for status in statuses
    }
    # With a default response, FastAPI does not add its own error schema for 422.
    described["default"] = {**shape, "description": "Any other error."}
    return described
