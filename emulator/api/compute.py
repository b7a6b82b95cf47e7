"""The parts of the Compute Engine API that the portal uses."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import replace

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from emulator.api.call_log import CallLog
from emulator.api.collections import Place, aggregate, collection, operation_user, scope_of_link
from emulator.cloud.cloud import Cloud
from emulator.core.catalog import REGIONS, ZONES
from emulator.core.errors import CloudError, invalid_field, not_found
from emulator.core.ids import INSTANCE, SNAPSHOT, link
from emulator.core.projects import with_project_id
from emulator.core.rate_limit import RateLimit
from emulator.core.store import Json
from emulator.machines.manager import MachineManager
from emulator.views.fields import select
from emulator.views.instances import guest_attributes_view, serial_port_view
from emulator.views.lists import aggregated_view, list_view, page
from emulator.views.places import compute_project_view
from emulator.views.resources import operation_view
from emulator.web.bodies import json_body

BASE = "/compute/v1/projects/{project}"
WAIT_S = 120.0
"""The longest wait of zoneOperations.wait: two minutes, according to Google's documentation."""
SNAPSHOT_NAME = re.compile(r"[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?")
FIELDS = {
    "name": "name",
    "description": "description",
    "labels": "labels",
    "sourceDisk": "source_disk",
    "storageLocations": "storage_locations",
}
"""Google's field of a new snapshot → Terraform's."""

Handler = Callable[[Request, Place], Awaitable[Json]]


class ComputeApi:
    def __init__(self, cloud: Cloud, manager: MachineManager, calls: CallLog, attribute_limit: RateLimit) -> None:
        self._cloud = cloud
        self._manager = manager
        self._calls = calls
        self._attribute_limit = attribute_limit

    def routes(self) -> list[BaseRoute]:
        zone, instance = f"{BASE}/zones/{{zone}}", f"{BASE}/zones/{{zone}}/instances/{{name}}"
        operation = "operations/{name}/wait"
        return [
            self._route(BASE, self.project),
            self._route(f"{BASE}/aggregated/{{collection}}", self.aggregated),
            self._route(f"{instance}/getGuestAttributes", self.guest_attributes),
            self._route(f"{instance}/serialPort", self.serial_port),
            self._route(f"{instance}/{{verb}}", self.power, "POST"),
            self._route(f"{zone}/{operation}", self.wait, "POST"),
            self._route(f"{BASE}/regions/{{region}}/{operation}", self.wait, "POST"),
            self._route(f"{BASE}/global/{operation}", self.wait, "POST"),
            self._route(f"{BASE}/global/snapshots", self.create_snapshot, "POST"),
            self._route(f"{BASE}/global/snapshots/{{name}}", self.delete_snapshot, "DELETE"),
            self._route(f"{BASE}/global/{{collection}}", self.list),
            self._route(f"{BASE}/global/{{collection}}/{{name}}", self.get),
            self._route(f"{zone}/{{collection}}", self.list),
            self._route(f"{zone}/{{collection}}/{{name}}", self.get),
            self._route(f"{BASE}/regions/{{region}}/{{collection}}", self.list),
            self._route(f"{BASE}/regions/{{region}}/{{collection}}/{{name}}", self.get),
            self._route(f"{BASE}/{{collection}}", self.list),
            self._route(f"{BASE}/{{collection}}/{{name}}", self.get),
        ]

    async def project(self, request: Request, place: Place) -> Json:
        with self._calls.call("get", "projects", place.project):
            await self._cloud.inject_faults("get", "projects", place.project)
            if place.project != self._cloud.context.project:
                raise not_found(f"projects/{place.project}")
            return compute_project_view(self._cloud.context, place.project)

    async def list(self, request: Request, place: Place) -> Json:
        found = collection(request.path_params["collection"], place)
        with self._calls.call("list", found.type, place.path):
            await self._cloud.inject_faults("list", found.type, place.path)
            items, token = page(found.views(self._cloud, place), request.query_params)
            path = f"{place.path}/{found.name}"
            return select(list_view(found.kind, path, link(path), items, token), request.query_params.get("fields", ""))

    async def get(self, request: Request, place: Place) -> Json:
        found, name = collection(request.path_params["collection"], place), request.path_params["name"]
        id_ = f"{place.path}/{found.name}/{name}"
        with self._calls.call("get", found.type, id_):
            await self._cloud.inject_faults("get", found.type, id_)
            for view in found.views(self._cloud, place):
                if name in (view["name"], view["id"]):
                    return dict(view)
            raise not_found(id_)

    async def aggregated(self, request: Request, place: Place) -> Json:
        found = aggregate(request.path_params["collection"])
        with self._calls.call("aggregatedList", found.type, place.path):
            await self._cloud.inject_faults("aggregatedList", found.type, place.path)
            items, token = page(found.views(self._cloud, replace(place, scope="")), request.query_params)
            scopes: dict[str, list[Json]] = {scope: [] for scope in found.scopes}
            for item in items:
                scopes[scope_of_link(item["selfLink"])].append(item)
            path = f"projects/{place.project}/aggregated/{found.name}"
            view = aggregated_view(found.kind, path, link(path), scopes, found.name, token)
            return select(view, request.query_params.get("fields", ""))

    async def power(self, request: Request, place: Place) -> Json:
        verb, id_ = request.path_params["verb"], self._instance_id(request, place)
        if verb == "setScheduling":
            return await self._set_scheduling(request, place, id_)
        if verb not in ("start", "stop", "reset", "suspend", "resume"):
            raise CloudError(404, f"The emulator does not have the call instances.{verb}")
        with self._calls.call(verb, INSTANCE, id_):
            query = request.query_params
            operation = await self._cloud.change_power(
                verb, id_, query.get("requestId", ""), decides_on_ssds="discardLocalSsd" in query
            )
            return operation_view(operation, operation_user(place))

    async def _set_scheduling(self, request: Request, place: Place, id_: str) -> Json:
        body = await json_body(request)
        with self._calls.call("setScheduling", INSTANCE, id_):
            operation = await self._cloud.set_scheduling(id_, body, request.query_params.get("requestId", ""))
            return operation_view(operation, operation_user(place))

    async def create_snapshot(self, request: Request, place: Place) -> Json:
        asked = await json_body(request)
        name = str(asked.get("name") or "")
        if not SNAPSHOT_NAME.fullmatch(name):
            raise invalid_field("resource.name", name, f"Must be a match of regex '{SNAPSHOT_NAME.pattern}'")
        state = {FIELDS[field]: value for field, value in asked.items() if field in FIELDS}
        if "/" not in str(state.get("source_disk") or ""):
            raise invalid_field("resource.sourceDisk", state.get("source_disk"), "The URL is malformed.")
        id_ = f"{place.path}/snapshots/{name}"
        with self._calls.call("create", SNAPSHOT, id_):
            operation = await self._cloud.create_snapshot(id_, state, request.query_params.get("requestId", ""))
            return operation_view(operation, operation_user(place))

    async def delete_snapshot(self, request: Request, place: Place) -> Json:
        id_ = f"{place.path}/snapshots/{request.path_params['name']}"
        with self._calls.call("delete", SNAPSHOT, id_):
            operation = await self._cloud.delete_snapshot(id_, request.query_params.get("requestId", ""))
            return operation_view(operation, operation_user(place))

    async def guest_attributes(self, request: Request, place: Place) -> Json:
        id_ = self._instance_id(request, place)
        path, key = request.query_params.get("queryPath", ""), request.query_params.get("variableKey", "")
        with self._calls.call("getGuestAttributes", INSTANCE, id_):
            await self._cloud.inject_faults("getGuestAttributes", INSTANCE, id_)
            self._attribute_limit.count(f"read {id_}")
            view = guest_attributes_view(self._cloud.find(INSTANCE, id_), path, key)
            if view is None:
                raise CloudError(404, f"The resource '{path or key}' of type 'Guest Attribute' was not found.")
            return view

    async def serial_port(self, request: Request, place: Place) -> Json:
        id_, query = self._instance_id(request, place), request.query_params
        with self._calls.call("getSerialPortOutput", INSTANCE, id_):
            await self._cloud.inject_faults("getSerialPortOutput", INSTANCE, id_)
            instance = self._cloud.find(INSTANCE, id_)
            if query.get("port", "1") != "1":
                raise CloudError(400, "The emulator's machines have one serial port.")
            console = self._manager.serial_console(instance)
            try:
                start, contents = console.read(int(query.get("start") or 0))
            except ValueError:
                raise CloudError(400, f"Invalid value for field 'start': '{query['start']}'.") from None
            return serial_port_view(instance, start, contents, console.size)

    async def wait(self, request: Request, place: Place) -> Json:
        name = request.path_params["name"]
        id_ = f"{place.path}/operations/{name}"
        with self._calls.call("wait", "operations", id_):
            await self._cloud.operations.wait(name, WAIT_S)
            body = self._cloud.operations.find(name)
            if body is None:
                raise not_found(id_)
            return operation_view(body, operation_user(place))

    def _instance_id(self, request: Request, place: Place) -> str:
        return f"{place.path}/instances/{request.path_params['name']}"

    def _route(self, path: str, handler: Handler, method: str = "GET") -> Route:
        async def answer(request: Request) -> Response:
            try:
                return JSONResponse(await handler(request, self._place(request)))
            except CloudError as error:
                return JSONResponse(error.for_compute(), status_code=error.code)

        return Route(path, answer, methods=[method])

    def _place(self, request: Request) -> Place:
        """The scope of the request. Raises CloudError for a zone or region that Google does not have."""
        asked = request.path_params
        project = with_project_id(f"projects/{asked['project']}/", self._cloud.context.project).split("/")[1]
        if "zone" in asked and asked["zone"] not in ZONES:
            raise CloudError(400, f"Invalid value for field 'zone': '{asked['zone']}'. Unknown zone.")
        if "region" in asked and asked["region"] not in REGIONS:
            raise CloudError(400, f"Invalid value for field 'region': '{asked['region']}'. Unknown region.")
        scope = "global" if "/global/" in request.url.path else ""
        if "zone" in asked:
            scope = f"zones/{asked['zone']}"
        elif "region" in asked:
            scope = f"regions/{asked['region']}"
        return Place(project, scope)
