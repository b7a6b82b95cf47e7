"""The calls of Terraform's plugin protocol, each a method with the call's name: messages in, messages out."""

import json
from collections.abc import Iterable
from typing import Any

from emulator.provider import reading
from emulator.provider.applying import Applier
from emulator.provider.client import CloudClient
from emulator.provider.config import ProviderConfig, read_config
from emulator.provider.errors import Diagnostic, ProviderError
from emulator.provider.facts_file import Facts, Resource
from emulator.provider.planning import plan
from emulator.provider.validation import validate
from emulator.provider.values import conform, pack, unpack
from emulator.provider.waiting import Waiter
from emulator.provider.wire import CALLS, Message, decode, encode

ERROR = 1


class Provider:
    """One running provider: configured once, then asked from several threads at a time."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._config = ProviderConfig()
        self._cloud: CloudClient | None = None
        self._waiter = Waiter()

    def call(self, name: str, request: bytes) -> bytes:
        """The reply to one call. A ProviderError becomes an error that Terraform shows."""
        request_shape, reply_shape = CALLS[name]
        method = getattr(self, f"_{name}")
        try:
            reply = method(decode(request_shape, request))
        except ProviderError as error:
            reply = {"diagnostics": _diagnostics([Diagnostic(str(error))])}
        return encode(reply_shape, reply)

    def _PrepareProviderConfig(self, request: Message) -> Message:  # noqa: N802  # the protocol's name, as below
        return {"prepared_config": request["config"]}

    def _Configure(self, request: Message) -> Message:  # noqa: N802
        self._config = read_config(unpack(request["config"]))
        self._cloud = CloudClient(self._config.cloud_url) if self._config.cloud_url else None
        return {}

    def _ValidateResourceTypeConfig(self, request: Message) -> Message:  # noqa: N802
        found = validate(self._resource(request), unpack(request["config"]))
        return {"diagnostics": _diagnostics(found)}

    def _ValidateDataSourceConfig(self, request: Message) -> Message:  # noqa: N802
        return {}

    def _UpgradeResourceState(self, request: Message) -> Message:  # noqa: N802
        state = json.loads(request["raw_state"]["json"])
        return {"upgraded_state": pack(conform(self._resource(request)["block"], state))}

    def _PlanResourceChange(self, request: Message) -> Message:  # noqa: N802
        proposed = unpack(request["proposed_new_state"])
        if proposed is None:
            return {"planned_state": pack(None)}
        made = plan(
            request["type_name"],
            self._resource(request),
            unpack(request["prior_state"]),
            proposed,
            unpack(request["config"]),
            self._config,
        )
        return {
            "planned_state": pack(made.planned),
            "requires_replace": [_path(path) for path in made.requires_replace],
            "planned_private": request.get("prior_private"),
            # Google's provider is built on the old SDK as well; without this, defaults would be refused.
            "legacy_type_system": True,
        }

    def _ApplyResourceChange(self, request: Message) -> Message:  # noqa: N802
        applier = Applier(request["type_name"], self._resource(request), self._config, self._cloud, self._waiter)
        applied = applier.apply(
            unpack(request["prior_state"]), unpack(request["planned_state"]), unpack(request["config"])
        )
        return {
            "new_state": pack(applied.state),
            "private": request.get("planned_private"),
            "diagnostics": _diagnostics([Diagnostic(applied.problem)] if applied.problem else []),
            "legacy_type_system": True,
        }

    def _ReadResource(self, request: Message) -> Message:  # noqa: N802
        if self._cloud is None:
            return {"new_state": request["current_state"], "private": request.get("private")}
        known = unpack(request["current_state"])
        state = reading.read(request["type_name"], self._resource(request), known, self._config, self._cloud)
        return {"new_state": pack(state), "private": request.get("private")}

    def _ImportResourceState(self, request: Message) -> Message:  # noqa: N802
        if self._cloud is None:
            raise ProviderError("There is no cloud to import from: GOOGLE_COMPUTE_CUSTOM_ENDPOINT is not set")
        state = reading.start_import(request["type_name"], self._resource(request), request["id"], self._config)
        return {"imported_resources": [{"type_name": request["type_name"], "state": pack(state)}]}

    def _ReadDataSource(self, request: Message) -> Message:  # noqa: N802
        name = request["type_name"]
        block = self._facts.data_sources[name]
        return {"state": pack(reading.read_data(name, block, unpack(request["config"]), self._config, self._cloud))}

    def _Stop(self, request: Message) -> Message:  # noqa: N802
        self._waiter.stop()
        return {}

    def _resource(self, request: Message) -> Resource:
        return self._facts.resources[request["type_name"]]


def _diagnostics(found: Iterable[Diagnostic]) -> list[Message]:
    return [
        {"severity": ERROR, "summary": item.summary, "detail": item.detail, "attribute": _path(item.path)}
        for item in found
    ]


def _path(path: Iterable[Any]) -> Message:
    return {
        "steps": [{"element_key_int": step} if isinstance(step, int) else {"attribute_name": step} for step in path]
    }
