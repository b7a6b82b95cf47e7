"""Waiting for the cloud's operations, and giving up on them the way Google's provider does.

On an interrupt Terraform sends Stop. Google's provider then abandons its waits for Compute operations at their next
poll; the operation goes on in the cloud, and nobody writes down what it makes. Other services are waited for to the
end.
"""

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

COMPUTE = "google_compute_"
POLL_VARIABLE = "EMULATOR_POLL_SECONDS"
DEFAULT_POLL_SECONDS = 2.0
"""Seconds between polls of an operation: the provider's 10 s, scaled like the durations of operations."""

MOST_OPERATIONS = 64
"""How many waits are possible at the same time. Terraform works on ten resources by default."""


class AbandonedError(Exception):
    """The wait was cut short by a Stop."""


class Waiter:
    def __init__(self, poll_seconds: float | None = None) -> None:
        self._poll = poll_seconds or float(os.environ.get(POLL_VARIABLE) or DEFAULT_POLL_SECONDS)
        self._stopped = threading.Event()
        self._operations = ThreadPoolExecutor(MOST_OPERATIONS)

    def stop(self) -> None:
        self._stopped.set()

    def wait(self, resource_type: str, call: Callable[[], Any]) -> Any:
        """The result of `call`, or AbandonedError when a Stop came in the meantime."""
        if not resource_type.startswith(COMPUTE):
            return call()
        operation = self._operations.submit(call)
        while not wait([operation], self._poll).done:
            if self._stopped.is_set():
                raise AbandonedError(resource_type)
        return operation.result()
