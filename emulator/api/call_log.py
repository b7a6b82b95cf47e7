"""The log of calls: what was requested, and the status of the answer."""

from collections.abc import Iterator
from contextlib import contextmanager

from emulator.core.clock import Clock, rfc3339
from emulator.core.errors import CloudError
from emulator.core.store import Store


class CallLog:
    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    @contextmanager
    def call(self, op: str, type_: str, id_: str) -> Iterator[None]:
        """Log a call when it arrives, and add its status when it is answered."""
        number = self._store.log_call(rfc3339(self._clock()), op, type_, id_)
        try:
            yield
        except CloudError as error:
            self._store.call_answered(number, error.code)
            raise
        self._store.call_answered(number, 200)
