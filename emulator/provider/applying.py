"""ApplyResourceChange: create, update and delete in the cloud."""

from collections.abc import Callable
from typing import Any, NamedTuple

from emulator.provider import special
from emulator.provider.client import CloudClient
from emulator.provider.computed import Computing, fill_unknown
from emulator.provider.config import ProviderConfig
from emulator.provider.errors import GoogleApiError, ProviderError, canceled, failed, noun, still_labelling
from emulator.provider.facts_file import Block, Resource
from emulator.provider.identity import make_id
from emulator.provider.labels import SET_AFTER_CREATE, labels_of
from emulator.provider.values import State, conform
from emulator.provider.waiting import AbandonedError, Waiter


class Applied(NamedTuple):
    state: State | None
    problem: str = ""


class Applier:
    """Changes one resource type's objects. Without a cloud the values made up here are all there is."""

    def __init__(
        self,
        resource_type: str,
        resource: Resource,
        provider: ProviderConfig,
        cloud: CloudClient | None,
        waiter: Waiter,
    ) -> None:
        self._type = resource_type
        self._block: Block = resource["block"]
        self._id_format: str = resource["id"]
        self._provider = provider
        self._cloud = cloud
        self._waiter = waiter

    def apply(self, prior: State | None, planned: State | None, config: State | None) -> Applied:
        """The state after the change, with the text of an error when it failed: then the state is what is left."""
        if planned is None:
            return self._delete(prior or {})
        if prior is None:
            return self._create(planned, config or {})
        return self._update(prior, planned, config or {})

    def _create(self, planned: State, config: State) -> Applied:
        cloud = self._cloud
        try:
            resource_id = make_id(self._id_format, planned, self._provider)
        except ProviderError as error:
            return Applied(None, str(error))
        self._fill(planned, resource_id)
        if cloud is None:
            return Applied(planned)
        labels = labels_of(planned) if self._type in SET_AFTER_CREATE else {}
        body = self._body(planned | {name: {} for name in labels}, config)
        try:
            state = self._wait(lambda: self._create_in(cloud, resource_id, body))
        except GoogleApiError as error:
            return Applied(planned if error.kept else None, failed("create", self._type, planned, error))
        except AbandonedError:
            return Applied(None, canceled("create", self._type))
        created: State = conform(self._block, state)
        return self._add_labels(cloud, created, labels) if labels.get("effective_labels") else Applied(created)

    def _add_labels(self, cloud: CloudClient, created: State, labels: State) -> Applied:
        """The second step of a create. Where it fails the resource exists: tainted, and without labels."""
        body = self._body(created | labels, {})
        try:
            state = self._wait(lambda: cloud.update(self._type, created["id"], body))
        except GoogleApiError as error:
            return Applied(created, f'Error adding labels to Compute{noun(self._type)} "{created["id"]}": {error}')
        except AbandonedError:
            return Applied(created, still_labelling(self._type))
        return Applied(conform(self._block, state))

    def _create_in(self, cloud: CloudClient, resource_id: str, body: dict[str, Any]) -> State:
        try:
            return cloud.create(self._type, resource_id, body)
        except GoogleApiError as error:
            if special.updates_existing(self._type, body["state"], error):
                return cloud.update(self._type, resource_id, body)
            raise

    def _update(self, prior: State, planned: State, config: State) -> Applied:
        cloud = self._cloud
        try:
            special.check_update(self._type, prior, planned)
        except ProviderError as error:
            return Applied(prior, str(error))
        self._fill(planned, prior["id"])
        if cloud is None:
            return Applied(planned)
        body = self._body(planned, config)
        try:
            state = self._wait(lambda: cloud.update(self._type, prior["id"], body))
        except GoogleApiError as error:
            return Applied(planned if error.kept else prior, failed("update", self._type, prior, error))
        except AbandonedError:
            return Applied(prior, canceled("update", self._type))
        return Applied(conform(self._block, state))

    def _delete(self, prior: State) -> Applied:
        cloud = self._cloud
        try:
            special.check_delete(self._type, prior)
        except ProviderError as error:
            return Applied(prior, str(error))
        if cloud is None or special.is_abandoned(self._type, prior):
            return Applied(None)
        try:
            self._wait(lambda: cloud.delete(self._type, prior["id"]))
        except GoogleApiError as error:
            return Applied(prior, failed("delete", self._type, prior, error))
        except AbandonedError:
            return Applied(prior, canceled("delete", self._type))
        return Applied(None)

    def _fill(self, planned: State, resource_id: str) -> None:
        computing = Computing(
            self._type, resource_id, dict(planned), self._provider, cloud_decides=self._cloud is not None
        )
        fill_unknown(computing, self._block, planned)

    def _body(self, planned: State, config: State) -> dict[str, Any]:
        return {"state": planned, "write_only": write_only_values(self._block, config)}

    def _wait(self, call: Callable[[], Any]) -> Any:
        return self._waiter.wait(self._type, call)


def write_only_values(block: Block, config: State) -> dict[str, Any]:
    """Write-only arguments stand in the configuration and never in a state."""
    return {
        name: config[name]
        for name, attribute in block["attributes"].items()
        if "w" in attribute["is"] and config.get(name) is not None
    }
