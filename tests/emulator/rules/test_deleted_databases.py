"""What a deleted Cloud SQL instance leaves behind, and for how long."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from emulator.core.addresses import AddressBook
from emulator.core.errors import CloudError
from emulator.core.store import CloudResource, Store
from emulator.rules.base import Context
from emulator.rules.network import CONNECTION, SQL_INSTANCE, ConnectionRules
from emulator.rules.sql import SqlInstanceRules

START = datetime(2026, 1, 1, tzinfo=UTC)
PRIVATE: dict[str, Any] = {"settings": [{"ip_configuration": [{"private_network": "default"}]}]}


class Clock:
    now = START

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def context(tmp_path: Path, clock: Clock) -> Iterator[Context]:
    """A project whose database, with an address in the network `default`, was deleted just now."""
    store = Store(tmp_path)
    context = Context(store, AddressBook(store, in_container=False), clock, "p")
    store.put(connection())
    SqlInstanceRules().deleted(context, database())
    yield context
    store.close()


def connection() -> CloudResource:
    return CloudResource(CONNECTION, "default:servicenetworking.googleapis.com", {"network": "default"})


def database(name: str = "mlflow") -> CloudResource:
    return CloudResource(SQL_INSTANCE, f"projects/p/instances/{name}", dict(PRIVATE))


def test_its_name_is_refused_for_a_week(context: Context, clock: Clock) -> None:
    SqlInstanceRules().check(context, database("another"))
    clock.now = START + timedelta(days=6, hours=23)
    with pytest.raises(CloudError, match="can't reuse the name of the deleted instance") as refused:
        SqlInstanceRules().check(context, database())
    assert (refused.value.code, refused.value.reason) == (409, "instanceAlreadyExists")
    assert refused.value.prefix == "Error, failed to create instance mlflow: "
    clock.now = START + timedelta(days=7)
    SqlInstanceRules().check(context, database())


def test_its_connection_is_in_use_for_days(context: Context, clock: Clock) -> None:
    clock.now = START + timedelta(days=3)
    with pytest.raises(CloudError, match="still using this connection"):
        ConnectionRules().check_delete(context, connection())
    clock.now = START + timedelta(days=4)
    ConnectionRules().check_delete(context, connection())
