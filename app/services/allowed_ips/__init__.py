"""Allowed IPs: the addresses that can reach MLflow, from the request to the expiry."""

from app.services.allowed_ips.decisions import (
    MOST_A_MEMBER,
    active,
    add,
    apply_again,
    approve,
    expire,
    find,
    owner_named,
    refuse,
    remove,
    request_range,
)

__all__ = [
    "MOST_A_MEMBER",
    "active",
    "add",
    "apply_again",
    "approve",
    "expire",
    "find",
    "owner_named",
    "refuse",
    "remove",
    "request_range",
]
