"""The cloud itself: every change to it, with Google's waiting, refusing and failing."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any

from .errors import CloudError, not_found, not_ready
from .faults import Fault, FaultBook
from .ids import INSTANCE
from .latency import Latency
from .operations import Operations
from .rules import Kind, World, kind_of
from .rules.instance import power_off, power_on
from .store import CloudObject, Json

logger = logging.getLogger(__name__)

POWER_OPS = {"start": "STAGING", "stop": "STOPPING", "reset": "RUNNING", "preempt": "STOPPING"}
"""Operation → the machine's status while it lasts."""


class Cloud:
    """One method a call. Each returns when Google's operation would be done, and goes on when its caller leaves."""

    def __init__(self, world: World, faults: FaultBook, latency: Latency) -> None:
        self.world = world
        self.store = world.store
        self.faults = faults
        self.latency = latency
        self.operations = Operations(world.store, world.clock)
        self.listeners: list[Callable[[CloudObject], None]] = []
        """Told of every object that changed or went: whoever runs machines and their pages listens here."""
        self._tasks: set[asyncio.Task[Any]] = set()

    # --- what Terraform does

    async def create(self, type_: str, id_: str, state: Json, secret: Json) -> CloudObject:
        kind = kind_of(type_)
        fault = await self._strike("create", type_, id_, state)
        thing, operation = self._accept(kind, type_, id_, state, secret)
        if operation is None:
            return thing
        error = fault.error(type_, thing.id, state) if fault else None
        await self._to_the_end(self._finish_create(kind, thing, operation, error, _delay(fault)))
        return self.find(type_, thing.id)

    async def read(self, type_: str, id_: str) -> Json:
        """The state, with what has changed since Terraform wrote it."""
        await self._strike_and_wait("read", type_, id_)
        thing = self.find(type_, id_)
        return kind_of(type_).present(self.world, thing)

    async def update(self, type_: str, id_: str, state: Json, secret: Json) -> CloudObject:
        fault = await self._strike("update", type_, id_, state)
        thing = self._idle(type_, id_)
        kind_of(type_).check_update(self.world, thing, state)
        operation = self.operations.begin("update", thing)
        error = fault.error(type_, id_, state) if fault else None
        await self._to_the_end(self._finish_update(thing, operation, state, secret, error, _delay(fault)))
        return self.find(type_, id_)

    async def delete(self, type_: str, id_: str) -> None:
        fault = await self._strike("delete", type_, id_, {})
        thing = self._idle(type_, id_)
        kind_of(type_).check_delete(self.world, thing)
        operation = self._begin_delete(thing)
        error = fault.error(type_, id_, {}) if fault else None
        await self._to_the_end(self._finish_delete(thing, operation, error, _delay(fault)))

    # --- what the Compute API does beside Terraform

    async def change_power(self, op: str, instance_id: str, request_id: str = "") -> Json:
        """Begins start, stop, reset or preempt; returns the operation, which goes on by itself.

        A request with an id that was known already is answered with the operation it began then.
        """
        if before := self.operations.ordered_before(request_id):
            return before
        thing = self.find(INSTANCE, instance_id)
        fault = await self._strike(op, INSTANCE, instance_id, thing.state)
        thing = self._idle(INSTANCE, instance_id)
        if op == "reset" and thing.cloud["status"] != "RUNNING":
            raise not_ready(instance_id)
        operation = self.operations.begin(op, thing, request_id)
        is_already_so = thing.cloud["status"] == {"start": "RUNNING", "stop": "TERMINATED"}.get(op)
        if is_already_so:
            self.operations.end(operation, thing)
            return operation
        self._set_status(thing, POWER_OPS[op])
        error = fault.error(INSTANCE, instance_id, thing.state) if fault else None
        self._spawn(self._finish_power(op, thing, operation, error, _delay(fault)))
        return operation

    async def look(self, op: str, type_: str, id_: str) -> None:
        """A read of the portal's: it may meet a fault, and waits for nothing else."""
        await self._strike_and_wait(op, type_, id_)

    # --- what happens outside everybody's control

    def vanish(self, thing: CloudObject) -> None:
        """Gone, as if somebody had deleted it in Google's console: at once, with what hung on it."""
        with self.store.transaction():
            kind_of(thing.type).deleted(self.world, thing)
            self.store.delete(thing)
        self._tell(thing)

    def find(self, type_: str, id_: str) -> CloudObject:
        """Raises CloudError (404)."""
        thing = self.store.get(type_, id_)
        if thing is None:
            raise not_found(id_)
        return thing

    def recover(self) -> None:
        """Ends what was under way when the emulator last stopped: Google would have gone on without it."""
        for operation in self.store.unfinished():
            type_, id_ = operation["object"]
            thing = self.store.get(type_, id_)
            if thing is None:
                thing = CloudObject(type_, id_, {})
            elif operation["op"] == "create":
                self._created(kind_of(type_), thing)
            elif operation["op"] == "delete":
                self.vanish(thing)
            elif operation["op"] in POWER_OPS:
                self._powered(operation["op"], thing)
            self.operations.end(operation, thing)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # --- the steps

    def _accept(self, kind: Kind, type_: str, id_: str, state: Json, secret: Json) -> tuple[CloudObject, Json | None]:
        """Takes the name. No operation is returned for what exists and may be made again."""
        existing = self.store.get(type_, id_)
        if existing and kind.idempotent:
            existing.state = state
            self.store.put(existing)
            return existing, None
        if existing and not kind.numbered:
            raise kind.exists(id_)
        with self.store.transaction():
            final = kind.final_id(self.world, id_, state)
            cloud = {"status": "CREATING", "created": self.world.now()}
            thing = CloudObject(type_, final, state, secret, cloud)
            kind.check(self.world, thing)
            kind.accepted(self.world, thing)
            self.store.put(thing)
            operation = self.operations.begin("create", thing)
        return thing, operation

    async def _finish_create(
        self, kind: Kind, thing: CloudObject, operation: Json, error: CloudError | None, delay: float
    ) -> None:
        await self.latency.wait("create", thing.type, 0.5)
        if thing.type == INSTANCE:
            self._set_status(thing, "STAGING")
        await self.latency.wait("create", thing.type, 0.5)
        await asyncio.sleep(delay)

        def change(current: CloudObject) -> None:
            if error and not error.kept:
                self.vanish(current)
            else:
                self._created(kind, current)

        self._end(thing, operation, error, change)

    async def _finish_update(
        self, thing: CloudObject, operation: Json, state: Json, secret: Json, error: CloudError | None, delay: float
    ) -> None:
        await self.latency.wait("update", thing.type)
        await asyncio.sleep(delay)

        def change(current: CloudObject) -> None:
            if error is None or error.kept:
                current.secret = secret or current.secret
                kind_of(thing.type).updated(self.world, current, state)
                self._save(current)

        self._end(thing, operation, error, change)

    def _begin_delete(self, thing: CloudObject) -> Json:
        operation = self.operations.begin("delete", thing)
        if thing.type == INSTANCE:
            self._set_status(thing, "STOPPING")
        return operation

    async def _finish_delete(self, thing: CloudObject, operation: Json, error: CloudError | None, delay: float) -> None:
        await self.latency.wait("delete", thing.type)
        await asyncio.sleep(delay)

        def change(current: CloudObject) -> None:
            if error is None:
                self.vanish(current)
            elif thing.type == INSTANCE:
                power_off(self.world, current)
                self._save(current)

        self._end(thing, operation, error, change)

    async def _finish_power(
        self, op: str, thing: CloudObject, operation: Json, error: CloudError | None, delay: float
    ) -> None:
        await self.latency.wait("stop" if op == "preempt" else op, INSTANCE)
        await asyncio.sleep(delay)

        def change(current: CloudObject) -> None:
            if error is None:
                self._powered(op, current)
            else:
                self._set_status(current, "TERMINATED" if op == "start" else "RUNNING")

        # The caller has its answer already: it finds the error in the operation.
        with suppress(CloudError):
            self._end(thing, operation, error, change)

    def _end(
        self, thing: CloudObject, operation: Json, error: CloudError | None, change: Callable[[CloudObject], None]
    ) -> None:
        """Changes the object as it is by now, and ends the operation. Raises `error`, or 404 if it has vanished."""
        current = self.store.get(thing.type, thing.id)
        if current is None:
            error = not_found(thing.id)
        else:
            change(current)
        self.operations.end(operation, thing, error)
        if error:
            raise error

    def _set_status(self, thing: CloudObject, status: str) -> None:
        if current := self.store.get(thing.type, thing.id):
            current.cloud["status"] = status
            self._save(current)

    def _created(self, kind: Kind, thing: CloudObject) -> None:
        kind.created(self.world, thing)
        self._save(thing)

    def _powered(self, op: str, thing: CloudObject) -> None:
        (power_on if op in ("start", "reset") else power_off)(self.world, thing)
        self._save(thing)

    def _save(self, thing: CloudObject) -> None:
        self.store.put(thing)
        self._tell(thing)

    def _tell(self, thing: CloudObject) -> None:
        for listener in self.listeners:
            listener(thing)

    def _idle(self, type_: str, id_: str) -> CloudObject:
        """Raises CloudError while another operation on it is in progress, as Google does."""
        thing = self.find(type_, id_)
        if self.operations.in_progress(thing):
            raise not_ready(id_)
        return thing

    # --- faults, and tasks that outlive their caller

    async def _strike(self, op: str, type_: str, id_: str, state: Json) -> Fault | None:
        fault = self.faults.strike(op, type_, id_)
        if fault and fault.refuses:
            await self._refuse(fault, type_, id_, state)
        return fault

    async def _strike_and_wait(self, op: str, type_: str, id_: str) -> None:
        fault = self.faults.strike(op, type_, id_)
        if fault:
            await self._refuse(fault, type_, id_, {})

    async def _refuse(self, fault: Fault, type_: str, id_: str, state: Json) -> None:
        await asyncio.sleep(fault.delay)
        if error := fault.error(type_, id_, state):
            raise error

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _to_the_end(self, work: Coroutine[Any, Any, None]) -> Awaitable[None]:
        # A caller that hangs up (a killed Terraform) does not stop an operation at Google.
        return asyncio.shield(self._spawn(work))


def _delay(fault: Fault | None) -> float:
    return fault.delay if fault else 0.0
