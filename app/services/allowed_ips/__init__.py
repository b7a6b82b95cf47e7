"""Allowed IPs: the addresses that can reach MLflow, from the request to the expiry."""

from app.services.allowed_ips.decisions import (
    MOST_A_MEMBER,
    add,
    apply_again,
    approve,
    ask,
    expire,
    find,
    living,
    owner_named,
    refuse,
    remove,
)

__all__ = [
    "MOST_A_MEMBER",
    "add",
    "apply_again",
    "approve",
    "ask",
    "expire",
    "find",
    "living",
    "owner_named",
    "refuse",
    "remove",
]
