"""Allowed IPs: who may reach MLflow from where, asked for, decided and ended."""

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
