"""Google's long-running operations. Every change is one, and is visible while it is in progress."""

import asyncio
import secrets
from contextlib import suppress
from datetime import datetime

from emulator.core.clock import Clock, rfc3339
from emulator.core.errors import CloudError
from emulator.core.ids import ATTACHMENT, instance_of_attachment, parse_id
from emulator.core.store import CloudResource, Json, Store

GOOGLE_NAMES = {
    "create": "insert",
    "boot": "start",
    "preempt": "compute.instances.preempted",
    "host-error": "compute.instances.hostError",
}


class Operations:
    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._awaited: dict[str, asyncio.Event] = {}

    def begin(self, op: str, resource: CloudResource, request_id: str = "", user: str = "") -> Json:
        """Begin an operation: create, update, delete, start, stop, reset, preempt or host-error.

        Its user is whoever calls the API if `user` is not given.
        """
        now = self._clock()
        body: Json = {
            "name": _name(now),
            "number": str(secrets.randbits(60) | 1 << 60),
            "op": op,
            "kind": _google_name(op, resource.type),
            "object": [resource.type, resource.id],
            "target": instance_of_attachment(resource.id) if resource.type == ATTACHMENT else resource.id,
            "target_number": str(resource.number),
            "status": "RUNNING",
            "progress": 0,
            "inserted": rfc3339(now),
            "request_id": request_id,
            "user": user,
        }
        self._store.put_operation(body["name"], resource, body, done=False)
        return body

    def end(self, body: Json, resource: CloudResource, error: CloudError | None = None) -> None:
        body |= {"status": "DONE", "progress": 100, "ended": rfc3339(self._clock())}
        if error:
            body["error"] = {"code": error.reason, "message": error.message, "http": error.code}
            body["error"]["details"] = error.details
        self._store.put_operation(body["name"], resource, body, done=True)
        if awaited := self._awaited.pop(body["name"], None):
            awaited.set()

    def in_progress(self, resource: CloudResource) -> bool:
        return bool(self._store.unfinished(resource))

    def ordered_before(self, request_id: str) -> Json | None:
        """The operation of an earlier request with this ID, which is not carried out again."""
        known = (body for body in self._store.operations() if body.get("request_id") == request_id)
        return next(known, None) if request_id else None

    def find(self, name: str) -> Json | None:
        return self._store.operation(name)

    async def wait(self, name: str, at_most_s: float) -> None:
        """Wait until the operation is done, or for this time."""
        body = self.find(name)
        if body and body["status"] != "DONE":
            event = self._awaited.setdefault(name, asyncio.Event())
            with suppress(TimeoutError):
                await asyncio.wait_for(event.wait(), at_most_s)

    def in_scope(self, project: str, scope: str) -> list[Json]:
        """Operations in a scope, newest first; `scope` is global, zones/Z or regions/R, or empty for the whole
        project."""
        found = ((body, scope_of(body)) for body in self._store.operations())
        return [body for body, (owner, place) in found if owner == project and place and scope in ("", place)]


def scope_of(body: Json) -> tuple[str, str]:
    scoped = parse_id(body["target"])
    return (scoped.project, scoped.scope) if scoped else ("", "")


def _google_name(op: str, type_: str) -> str:
    if type_ == ATTACHMENT:
        return {"create": "attachDisk", "delete": "detachDisk"}.get(op, op)
    return GOOGLE_NAMES.get(op, op)


def _name(now: datetime) -> str:
    return (
        f"operation-{int(now.timestamp() * 1000)}-{secrets.token_hex(7)}-{secrets.token_hex(4)}-{secrets.token_hex(4)}"
    )
