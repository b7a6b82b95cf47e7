"""Deleted Cloud SQL instances: their names and connections stay in use for a while."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from emulator.rules.base import Context

FACT = "deleted_databases"
NAME_KEPT = timedelta(days=7)
CONNECTION_KEPT = timedelta(days=4)
"""Google says hours or days: an instance can be restored for so long."""


@dataclass(frozen=True)
class DeletedDatabase:
    name: str
    network: str
    """Short name of the network that it had an address in; empty for none."""
    at: str


def remember(context: Context, name: str, network: str) -> None:
    deleted = [*_deleted(context), DeletedDatabase(name, network, context.now())]
    context.store.set_fact(FACT, json.dumps([asdict(each) for each in deleted]))


def is_name_kept(context: Context, name: str) -> bool:
    return any(each.name == name and _is_recent(context, each, NAME_KEPT) for each in _deleted(context))


def is_connection_kept(context: Context, network: str) -> bool:
    return any(each.network == network and _is_recent(context, each, CONNECTION_KEPT) for each in _deleted(context))


def _deleted(context: Context) -> list[DeletedDatabase]:
    return [DeletedDatabase(**each) for each in json.loads(context.store.fact(FACT) or "[]")]


def _is_recent(context: Context, deleted: DeletedDatabase, span: timedelta) -> bool:
    return context.clock() - datetime.fromisoformat(deleted.at) < span
