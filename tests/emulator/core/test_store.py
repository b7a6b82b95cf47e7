"""The store, and what addresses it hands out."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from emulator.core.addresses import AddressBook
from emulator.core.store import CloudResource, Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path)
    yield opened
    opened.close()


def test_objects_come_back_as_they_were_put(store: Store) -> None:
    thing = CloudResource("disk", "projects/p/d", {"size": 1}, {"secret": "s"}, {"status": "READY"})
    store.put(thing)
    assert store.get("disk", "projects/p/d") == thing
    store.delete(thing)
    assert store.get("disk", "projects/p/d") is None


def test_a_prefix_is_taken_literally(store: Store) -> None:
    for name in ("a*/x", "ab/x", "a[b]/x", "a?/x", "a_/x", "A*/x"):
        store.put(CloudResource("disk", name, {}))
    for prefix in ("a*/", "a[b]/", "a?/", "a_/"):
        assert [thing.id for thing in store.all("disk", prefix)] == [f"{prefix}x"]


def test_a_transaction_that_fails_changes_nothing(store: Store) -> None:
    def fail() -> None:
        with store.transaction():
            store.set_fact("a", "1")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert store.fact("a") is None


def test_addresses_are_loopback_and_not_handed_out_twice_in_a_row(store: Store) -> None:
    book = AddressBook(store, in_container=False)
    given = [book.public() for _ in range(600)]
    assert len(set(given)) == len(given)
    for address in given:
        parts = [int(part) for part in address.split(".")]
        assert parts[0] == 127
        assert 64 <= parts[1] <= 126
        assert 0 < parts[3] < 255


def test_the_stretch_of_addresses_begins_again_at_its_end(store: Store) -> None:
    store.set_fact("next_address", str((127 << 16) - 2))
    book = AddressBook(store, in_container=False)
    assert [book.public(), book.public()] == ["127.126.255.254", "127.64.0.1"]


def test_addresses_in_use_are_passed_over(store: Store) -> None:
    book = AddressBook(store, in_container=True)
    store.put(CloudResource("google_compute_address", "x", {"address": "127.77.0.1"}))
    assert book.public() == "127.77.0.2"
