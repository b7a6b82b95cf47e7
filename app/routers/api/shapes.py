"""What the API's answers have in common, for its OpenAPI document."""

from typing import Any

from pydantic import BaseModel, Field


class ErrorDetail(BaseModel):
    """What went wrong."""

    code: str = Field(description="What kind of error, for programs.", examples=["invalid"])
    message: str = Field(description="A sentence for people.")
    hint: str | None = Field(None, description="What to do about it.")
    fields: dict[str, str] | None = Field(None, description="A sentence for each field that does not fit.")


class Error(BaseModel):
    """The one shape of every error."""

    error: ErrorDetail


_DESCRIPTIONS = {
    401: "No valid token or sign-in, or one that is not fresh enough.",
    403: "Not allowed.",
    404: "It does not exist, or it is not yours.",
    409: "It does not fit what is there now.",
    410: "It is gone for good.",
    422: "Some fields do not fit.",
    503: "Something outside does not answer; try again later.",
}


def errors(*statuses: int, beside_text: bool = False) -> dict[int | str, dict[str, Any]]:
    """The error answers of an operation, for its `responses`.

    `default` stands for all others, and keeps FastAPI from promising its own shape for 422.

    :param beside_text: the operation answers in plain text; FastAPI would take that for its errors' type as well.
    """
    shape: dict[str, Any] = {"model": Error}
    if beside_text:
        shape = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}}
    described: dict[int | str, dict[str, Any]] = {
        status: {**shape, "description": _DESCRIPTIONS[status]} for status in statuses
    }
    described["default"] = {**shape, "description": "Any other error, in the same shape."}
    return described
