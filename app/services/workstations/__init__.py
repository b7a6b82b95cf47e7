"""Workstations: requests, changes and queries. This is the package's public interface."""

from app.services.workstations.queries import find, list_of, namesake, page_of
from app.services.workstations.requests import (
    Adopted,
    Requested,
    desired,
    draft,
    request,
    request_change,
    request_check,
    request_destroy,
)

__all__ = [
    "Adopted",
    "Requested",
    "desired",
    "draft",
    "find",
    "list_of",
    "namesake",
    "page_of",
    "request",
    "request_change",
    "request_check",
    "request_destroy",
]
