"""The emulated cloud: all changes to it, with Google's waits, refusals and failures."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

from emulator.cloud.runner import OperationRunner, Outcome
from emulator.core.errors import CloudError
from emulator.core.ids import INSTANCE, SNAPSHOT
from emulator.core.store import CloudResource, Json
from emulator.rules.base import Rules
from emulator.rules.instance_power import check_power, power_off, power_on, resume, suspend
from emulator.rules.registry import rules_of
from emulator.rules.time_limit import is_over, set_scheduling

POWER_OPS = {
    "start": "STAGING",
    "stop": "STOPPING",
    "reset": "RUNNING",
    "preempt": "STOPPING",
    "host-error": "REPAIRING",
    "suspend": "SUSPENDING",
    "resume": "STAGING",
}
"""Operation → the machine's status during it."""
SYSTEM = "system"
"""The user in operations that Google itself begins."""
_LASTS_AS = {"preempt": "stop", "host-error": "start", "suspend": "stop", "resume": "start"}
"""Operation → the operation whose duration it has, if it has none of its own."""


class Cloud(OperationRunner):
    """One method per call. A call returns when its operation is done; the operation continues if the caller
    disconnects."""

    # --- what Terraform does

    async def create(self, type_: str, id_: str, state: Json, secret: Json) -> CloudResource:
        rules = rules_of(type_)
        outcome = await self._inject("create", type_, id_, state)
        if existing := self._made_again(rules, type_, id_, state):
            return existing
        resource, operation = self._accept(rules, type_, id_, state, secret)
        await self._to_the_end(self._finish_create(rules, resource, operation, outcome))
        return self.find(type_, resource.id)

    async def read(self, type_: str, id_: str) -> Json:
        """The state, with changes that were made outside of Terraform."""
        await self.inject_faults("read", type_, id_)
        resource = self.find(type_, id_)
        return rules_of(type_).present(self.context, resource)

    async def update(self, type_: str, id_: str, state: Json, secret: Json) -> CloudResource:
        outcome = await self._inject("update", type_, id_, state)
        resource = self._idle(type_, id_)
        rules_of(type_).check_update(self.context, resource, state)
        operation = self.operations.begin("update", resource)
        await self._to_the_end(self._finish_update(resource, operation, state, secret, outcome))
        return self.find(type_, id_)

    async def delete(self, type_: str, id_: str) -> None:
        outcome = await self._inject("delete", type_, id_, {})
        resource = self._idle(type_, id_)
        rules_of(type_).check_delete(self.context, resource)
        operation = self.operations.begin("delete", resource)
        if type_ == INSTANCE:
            self._set_status(resource, "STOPPING")
        await self._to_the_end(self._finish_delete(resource, operation, outcome))

    def delete_outside(self, resource: CloudResource, user: str) -> None:
        """Begin to delete a machine outside of Terraform."""
        operation = self.operations.begin("delete", self._idle(INSTANCE, resource.id), user=user)
        self._set_status(resource, "STOPPING")
        self._spawn(self._finish_delete(resource, operation, Outcome()))

    # --- what the Compute API does beside Terraform

    async def change_power(
        self, op: str, instance_id: str, request_id: str = "", *, decides_on_ssds: bool = False, user: str = ""
    ) -> Json:
        """Begin one of POWER_OPS; returns the operation, which continues by itself.

        A repeated request ID returns the operation of the first request. `decides_on_ssds`: whether the request says
        what happens to the data on local SSDs.
        """
        if before := self.operations.ordered_before(request_id):
            return before
        resource = self.find(INSTANCE, instance_id)
        outcome = await self._inject(op, INSTANCE, instance_id, resource.state)
        resource = self._idle(INSTANCE, instance_id)
        check_power(op, resource, decides_on_ssds=decides_on_ssds)
        operation = self.operations.begin(op, resource, request_id, user)
        is_already_so = resource.cloud["status"] == {"start": "RUNNING", "stop": "TERMINATED"}.get(op)
        if is_already_so:
            self.operations.end(operation, resource)
            return operation
        resource.cloud["preempted"] = op == "preempt"
        self.store.put(resource)
        self._set_status(resource, POWER_OPS[op])
        self._spawn(self._quietly(self._finish_power(op, resource, operation, outcome)))
        return operation

    async def set_scheduling(self, instance_id: str, body: Json, request_id: str = "") -> Json:
        """Set a stopped machine's time limit, at once; returns the operation. Raises CloudError."""
        if before := self.operations.ordered_before(request_id):
            return before
        await self._inject("setScheduling", INSTANCE, instance_id, {})
        machine = self._idle(INSTANCE, instance_id)
        set_scheduling(self.context, machine, body)
        operation = self.operations.begin("setScheduling", machine, request_id)
        self.operations.end(operation, machine)
        return operation

    async def stop_overdue(self) -> None:
        """Stop the machines whose time limit is over. Google's own operation for it has another name, not known."""
        for machine in self.store.all(INSTANCE):
            if is_over(self.context, machine) and not self.operations.in_progress(machine):
                # One that cannot be stopped now is tried again.
                with suppress(CloudError):
                    await self.change_power("stop", machine.id, decides_on_ssds=True, user=SYSTEM)

    async def create_snapshot(self, id_: str, state: Json, request_id: str = "") -> Json:
        """Begin to take a snapshot; returns the operation, which continues by itself."""
        if before := self.operations.ordered_before(request_id):
            return before
        outcome = await self._inject("create", SNAPSHOT, id_, state)
        rules = rules_of(SNAPSHOT)
        self._made_again(rules, SNAPSHOT, id_, state)
        resource, operation = self._accept(rules, SNAPSHOT, id_, state, {}, request_id)
        # What is on the disk now is what the snapshot has, however long it takes.
        self._notify(resource)
        self._spawn(self._quietly(self._finish_create(rules, resource, operation, outcome)))
        return operation

    async def delete_snapshot(self, id_: str, request_id: str = "") -> Json:
        """Begin to delete a snapshot; returns the operation, which continues by itself."""
        if before := self.operations.ordered_before(request_id):
            return before
        outcome = await self._inject("delete", SNAPSHOT, id_, {})
        operation = self.operations.begin("delete", self._idle(SNAPSHOT, id_), request_id)
        self._spawn(self._quietly(self._finish_delete(self.find(SNAPSHOT, id_), operation, outcome)))
        return operation

    def recover(self) -> None:
        """Complete operations that were in progress when the emulator stopped, as at Google they would have
        continued."""
        for operation in self.store.unfinished():
            type_, id_ = operation["object"]
            resource = self.store.get(type_, id_)
            if resource is None:
                resource = CloudResource(type_, id_, {})
            elif operation["op"] == "create":
                self._created(rules_of(type_), resource)
            elif operation["op"] == "delete":
                self.vanish(resource)
            elif operation["op"] in POWER_OPS:
                self._powered(operation["op"], resource)
            self.operations.end(operation, resource)

    # --- the steps

    async def _quietly(self, work: Coroutine[Any, Any, None]) -> None:
        """The caller already has its response, and finds the error in the operation."""
        with suppress(CloudError):
            await work

    def _made_again(self, rules: Rules, type_: str, id_: str, state: Json) -> CloudResource | None:
        """The resource that exists and may be created again; None if there is none. Raises CloudError if the name is
        taken."""
        existing = self.store.get(type_, id_)
        if existing and rules.idempotent:
            rules.check_again(self.context, existing, state)
            existing.state = state
            self.store.put(existing)
            return existing
        if existing and not rules.numbered:
            raise rules.exists(id_)
        return None

    def _accept(
        self, rules: Rules, type_: str, id_: str, state: Json, secret: Json, request_id: str = ""
    ) -> tuple[CloudResource, Json]:
        """Reserve the name."""
        with self.store.transaction():
            final = rules.final_id(self.context, id_, state)
            cloud = {"status": "CREATING", "created": self.context.now()}
            resource = CloudResource(type_, final, state, secret, cloud)
            rules.check(self.context, resource)
            rules.accepted(self.context, resource)
            self.store.put(resource)
            operation = self.operations.begin("create", resource, request_id)
        return resource, operation

    async def _finish_create(self, rules: Rules, resource: CloudResource, operation: Json, outcome: Outcome) -> None:
        await self.latency.wait("create", resource.type, 0.5)
        if resource.type == INSTANCE:
            self._set_status(resource, "STAGING")
        await self.latency.wait("create", resource.type, 0.5)
        await asyncio.sleep(outcome.delay)
        error = outcome.error

        def change(current: CloudResource) -> None:
            if error and not error.kept:
                self.vanish(current)
            else:
                self._created(rules, current)

        self._end(resource, operation, error, change)

    async def _finish_update(
        self, resource: CloudResource, operation: Json, state: Json, secret: Json, outcome: Outcome
    ) -> None:
        await self.latency.wait("update", resource.type)
        await asyncio.sleep(outcome.delay)
        error = outcome.error

        def change(current: CloudResource) -> None:
            if error is None or error.kept:
                current.secret, boots = secret or current.secret, current.cloud.get("boots")
                rules_of(resource.type).updated(self.context, current, state)
                if current.cloud.get("boots") != boots:
                    self._refuse_start(current)
                self._save(current)

        self._end(resource, operation, error, change)

    def _refuse_start(self, machine: CloudResource) -> None:
        """Google's provider starts a machine that a change has stopped by a call of its own. Raises CloudError if that
        fails, and what was changed before stays."""
        fault = self.faults.inject("start", INSTANCE, machine.id)
        error = fault.error(INSTANCE, machine.id, machine.state) if fault else None
        if error:
            power_off(self.context, machine)
            machine.cloud["boots"] -= 1
            error.prefix = f"Error {'waiting for ' if error.in_operation else ''}starting instance: "
            raise error

    async def _finish_delete(self, resource: CloudResource, operation: Json, outcome: Outcome) -> None:
        await self.latency.wait("delete", resource.type)
        await asyncio.sleep(outcome.delay)

        def change(current: CloudResource) -> None:
            if outcome.error is None:
                self.vanish(current)
            elif resource.type == INSTANCE:
                power_off(self.context, current)
                self._save(current)

        self._end(resource, operation, outcome.error, change)

    async def _finish_power(self, op: str, resource: CloudResource, operation: Json, outcome: Outcome) -> None:
        await self.latency.wait(_LASTS_AS.get(op, op), INSTANCE)
        await asyncio.sleep(outcome.delay)

        def change(current: CloudResource) -> None:
            if outcome.error is None:
                self._powered(op, current)
            else:
                before = {"start": "TERMINATED", "resume": "SUSPENDED"}
                self._set_status(current, before.get(op, "RUNNING"))

        self._end(resource, operation, outcome.error, change)

    def _created(self, rules: Rules, resource: CloudResource) -> None:
        rules.created(self.context, resource)
        self._save(resource)

    def _powered(self, op: str, resource: CloudResource) -> None:
        change = {"STOPPING": power_off, "SUSPENDING": suspend}.get(POWER_OPS[op], power_on)
        (resume if op == "resume" else change)(self.context, resource)
        self._save(resource)
