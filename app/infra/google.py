"""The Compute API, as far as the worker asks it. Never imported by the web process: the client takes 4 s and 170 MB."""

import asyncio
from functools import cached_property
from typing import TYPE_CHECKING, Any

import structlog

from app.config import Settings

if TYPE_CHECKING:
    from google.cloud import compute_v1

log = structlog.get_logger()


class Compute:
    """The project's machines, through google-cloud-compute. Calls block, so each is made in a thread."""

    def __init__(self, settings: Settings) -> None:
        self._project = settings.google_project
        self._endpoint = settings.compute_endpoint

    async def warm_up(self) -> None:
        """Import the client now, rather than in the first run."""
        await asyncio.to_thread(lambda: self._instances)

    @cached_property
    def _instances(self) -> "compute_v1.InstancesClient":
        from google.cloud import compute_v1

        return compute_v1.InstancesClient(**self._options())

    def _options(self) -> dict[str, Any]:
        if not self._endpoint:
            return {}
        options: dict[str, Any] = {"client_options": {"api_endpoint": self._endpoint}}
        if self._endpoint.startswith("http://"):
            from google.auth.credentials import AnonymousCredentials

            # Credentials never travel over plain HTTP.
            options["credentials"] = AnonymousCredentials()
        return options

    async def host_keys(self, zone: str, instance: str) -> dict[str, str]:
        """The SSH host keys that the machine has published: algorithm → base64; empty until it has booted so far.

        Google's guest agent writes them to the guest attributes' namespace `hostkeys`.
        Raises google.api_core.exceptions.GoogleAPICallError for anything but "not there yet".
        """
        return await asyncio.to_thread(self._host_keys, zone, instance)

    def _host_keys(self, zone: str, instance: str) -> dict[str, str]:
        from google.api_core.exceptions import NotFound

        request = {"project": self._project, "zone": zone, "instance": instance, "query_path": "hostkeys/"}
        try:
            attributes = self._instances.get_guest_attributes(request=request)
        except NotFound:
            return {}
        return {item.key: item.value for item in attributes.query_value.items}
