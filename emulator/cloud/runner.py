"""What all changes to the cloud have in common: faults, operations, waits, and tasks that outlive their caller."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, NamedTuple

from emulator.cloud.faults import FaultInjector
from emulator.cloud.latency import Latency
from emulator.cloud.operations import Operations
from emulator.core.errors import CloudError, not_found, not_ready
from emulator.core.store import CloudResource, Json
from emulator.rules.base import Context
from emulator.rules.registry import rules_of

Listener = Callable[[CloudResource], None]


class Outcome(NamedTuple):
    """How an accepted operation ends."""

    error: CloudError | None = None
    delay: float = 0.0
    """Seconds, in addition to the operation's own duration."""


class OperationRunner:
    def __init__(self, context: Context, faults: FaultInjector, latency: Latency) -> None:
        self.context = context
        self.store = context.store
        self.faults = faults
        self.latency = latency
        self.operations = Operations(context.store, context.clock)
        self.listeners: list[Listener] = []
        """Called with each resource that has changed or was deleted."""
        self._tasks: set[asyncio.Task[Any]] = set()

    def find(self, type_: str, id_: str) -> CloudResource:
        """The resource with this ID. Raises CloudError (404)."""
        resource = rules_of(type_).find(self.context, type_, id_)
        if resource is None:
            raise not_found(id_)
        return resource

    def vanish(self, resource: CloudResource) -> None:
        """Delete a resource and everything that depends on it, as somebody could in Google's console."""
        with self.store.transaction():
            rules_of(resource.type).deleted(self.context, resource)
            # A bucket's grants have another ID than the bucket.
            for prefix in (f"{resource.id}/", f"b/{resource.id}/"):
                for inside in self.store.all(prefix=prefix):
                    self.store.delete(inside)
            self.store.delete(resource)
        self._notify(resource)

    async def inject_faults(self, op: str, type_: str, id_: str) -> None:
        """Apply faults to a read. Raises CloudError if one refuses it."""
        if fault := self.faults.inject(op, type_, id_):
            await asyncio.sleep(fault.delay)
            if error := fault.error(type_, id_, {}):
                raise error

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _inject(self, op: str, type_: str, id_: str, state: Json) -> Outcome:
        """Apply faults to a change. Raises CloudError if one refuses it; others affect the operation's end."""
        fault = self.faults.inject(op, type_, id_)
        if fault is None:
            return Outcome()
        error = fault.error(type_, id_, state)
        if error and fault.refuses:
            await asyncio.sleep(fault.delay)
            raise error
        return Outcome(error, fault.delay)

    def _idle(self, type_: str, id_: str) -> CloudResource:
        """The resource, if no operation on it is in progress. Raises CloudError otherwise, as Google does."""
        resource = self.find(type_, id_)
        if self.operations.in_progress(resource):
            raise not_ready(id_)
        return resource

    def _end(self, resource: CloudResource, operation: Json, error: CloudError | None, change: Listener) -> None:
        """Change the resource and end the operation. Raises `error`, or 404 if the resource no longer exists."""
        current = rules_of(resource.type).find(self.context, resource.type, resource.id)
        if current is None:
            error = not_found(resource.id)
        else:
            try:
                change(current)
            except CloudError as refusal:
                # Changes made before the refusal are kept.
                self._save(current)
                error = refusal
        self.operations.end(operation, resource, error)
        if error:
            raise error

    def _set_status(self, resource: CloudResource, status: str) -> None:
        if current := self.store.get(resource.type, resource.id):
            current.cloud["status"] = status
            self._save(current)

    def _save(self, resource: CloudResource) -> None:
        self.store.put(resource)
        self._notify(resource)

    def _notify(self, resource: CloudResource) -> None:
        for listener in self.listeners:
            listener(resource)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _to_the_end(self, work: Coroutine[Any, Any, None]) -> Awaitable[None]:
        # At Google, an operation continues when its caller disconnects, such as a Terraform that is killed.
        return asyncio.shield(self._spawn(work))
