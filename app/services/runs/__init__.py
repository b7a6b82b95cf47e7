"""Runs: queued changes to a stack. This is the package's public interface."""

from app.services.runs.applied import Applied, applied, last_inputs
from app.services.runs.explanations import QueueReason, hint, last_error, waiting
from app.services.runs.log import read as read_log
from app.services.runs.queries import (
    awaiting_approval,
    find,
    is_of,
    list_of,
    newest_ids,
    next_of,
    of_stack,
    pending,
    resources,
    told_of,
    under_way,
)
from app.services.runs.requests import (
    ACCOUNT_INPUT,
    GENERATION_INPUT,
    KEYS_INPUT,
    OPENED_INPUT,
    RUN_LIMIT_INPUT,
    SNAPSHOT_INPUT,
    announce,
    lock,
    request,
)

__all__ = [
    "ACCOUNT_INPUT",
    "GENERATION_INPUT",
    "KEYS_INPUT",
    "OPENED_INPUT",
    "RUN_LIMIT_INPUT",
    "SNAPSHOT_INPUT",
    "Applied",
    "QueueReason",
    "announce",
    "applied",
    "awaiting_approval",
    "find",
    "hint",
    "is_of",
    "last_error",
    "last_inputs",
    "list_of",
    "lock",
    "newest_ids",
    "next_of",
    "of_stack",
    "pending",
    "read_log",
    "request",
    "resources",
    "told_of",
    "under_way",
    "waiting",
]
