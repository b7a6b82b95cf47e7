"""Workstations: requests, changes and queries. This is the package's public interface."""

from app.services.workstations.queries import find, list_of, named, namesake, of_machine
from app.services.workstations.requests import (
    Adopted,
    Requested,
    desired,
    draft,
    refuse_if_going,
    request,
    request_again,
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
    "named",
    "namesake",
    "of_machine",
    "refuse_if_going",
    "request",
    "request_again",
    "request_change",
    "request_check",
    "request_destroy",
]
