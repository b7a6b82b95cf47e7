"""Runs: queued changes to a stack. This is the package's public interface."""

from app.services.runs.explanations import Waiting, hint, trouble, waiting
from app.services.runs.queries import (
    find,
    last_inputs,
    list_of,
    log,
    newest_ids,
    next_of,
    of_stack,
    pending,
    reached_inputs,
    resources,
    under_way,
)
from app.services.runs.requests import announce, enqueue_next, lock, request

__all__ = [
    "Waiting",
    "announce",
    "enqueue_next",
    "find",
    "hint",
    "last_inputs",
    "list_of",
    "lock",
    "log",
    "newest_ids",
    "next_of",
    "of_stack",
    "pending",
    "reached_inputs",
    "request",
    "resources",
    "trouble",
    "under_way",
    "waiting",
]
