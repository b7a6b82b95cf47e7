"""The metadata server of machines, and the reload of their SSH servers, which run in the emulator.

Machines share this computer's network, so each has its own path here, which programs/curl.sh knows.
"""

import re

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from emulator.cloud.cloud import Cloud
from emulator.core.errors import CloudError
from emulator.core.ids import INSTANCE
from emulator.core.rate_limit import RateLimit
from emulator.core.store import CloudResource
from emulator.machines.machine_identity import account_of, claims_of
from emulator.machines.machine_spec import machine_path, metadata_of, publishes_attributes
from emulator.machines.manager import MachineManager
from emulator.openid.keys import Signer

HERE = machine_path("{instance:path}")
METADATA = f"{HERE}/computeMetadata/v1/instance"
FLAVOR = "Google"
ATTRIBUTE = re.compile(r"[A-Za-z0-9_-]{1,128}/[A-Za-z0-9_-]{1,128}")


class MetadataApi:
    def __init__(self, cloud: Cloud, manager: MachineManager, attribute_limit: RateLimit, signer: Signer) -> None:
        self._cloud = cloud
        self._signer = signer
        self._attribute_limit = attribute_limit
        self._manager = manager

    def routes(self) -> list[BaseRoute]:
        return [
            Route(f"{METADATA}/attributes/{{key}}", self.attribute, methods=["GET"]),
            Route(f"{METADATA}/service-accounts/default/identity", self.identity, methods=["GET"]),
            Route(f"{METADATA}/preempted", self.preempted, methods=["GET"]),
            Route(f"{METADATA}/guest-attributes/{{key:path}}", self.publish, methods=["PUT"]),
            Route(f"{HERE}/reboot", self.reboot, methods=["POST"]),
            Route(f"{HERE}/reload-sshd", self.reload_sshd, methods=["POST"]),
        ]

    async def attribute(self, request: Request) -> Response:
        """A value of the machine's metadata."""
        try:
            value = metadata_of(self._instance(request)).get(request.path_params["key"])
        except CloudError as error:
            return PlainTextResponse(error.message, error.code)
        return PlainTextResponse("not found", 404) if value is None else PlainTextResponse(str(value))

    async def identity(self, request: Request) -> Response:
        """A token that says which machine this is. Only machines with a service account get one."""
        audience, form = request.query_params.get("audience", ""), request.query_params.get("format", "standard")
        try:
            instance = self._instance(request)
        except CloudError as error:
            return PlainTextResponse(error.message, error.code)
        account = account_of(instance)
        if account is None:
            return PlainTextResponse("not found", 404)
        if not audience:
            return PlainTextResponse("non-empty audience parameter required", 400)
        claims = claims_of(instance, account, audience, is_full=form == "full")
        return PlainTextResponse(self._signer.sign(claims, self._cloud.context.clock()))

    async def preempted(self, request: Request) -> Response:
        """Whether Google is taking the machine back."""
        try:
            is_preempted = self._instance(request).cloud.get("preempted", False)
        except CloudError as error:
            return PlainTextResponse(error.message, error.code)
        return PlainTextResponse("TRUE" if is_preempted else "FALSE")

    async def publish(self, request: Request) -> Response:
        """Publish a guest attribute, NAMESPACE/KEY."""
        key, value = request.path_params["key"], (await request.body()).decode(errors="replace")
        try:
            instance = self._instance(request)
        except CloudError as error:
            return PlainTextResponse(error.message, error.code)
        if not publishes_attributes(instance):
            return PlainTextResponse("guest attributes are not enabled", 403)
        if not ATTRIBUTE.fullmatch(key):
            return PlainTextResponse("not a NAMESPACE/KEY", 400)
        try:
            self._attribute_limit.count(f"write {instance.id}")
        except CloudError:
            return PlainTextResponse("too many requests", 429)
        instance.cloud.setdefault("guest_attributes", {})[key] = value
        self._cloud.store.put(instance)
        return PlainTextResponse("")

    async def reboot(self, request: Request) -> Response:
        """Somebody in the machine reboots it: for Google it goes on running."""
        self._manager.reboot(request.path_params["instance"])
        return PlainTextResponse("")

    async def reload_sshd(self, request: Request) -> Response:
        self._manager.reload_host_keys(request.path_params["instance"])
        return PlainTextResponse("")

    def _instance(self, request: Request) -> CloudResource:
        """The machine of the request. Raises CloudError without Google's header, which keeps web pages out."""
        if request.headers.get("Metadata-Flavor") != FLAVOR:
            raise CloudError(403, "Missing required header: Metadata-Flavor")
        return self._cloud.find(INSTANCE, request.path_params["instance"])
