"""The emulator's own API: list resources, inject faults, change settings of the project."""

import re
from dataclasses import asdict

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from emulator.cloud.cloud import Cloud
from emulator.cloud.faults import FaultError
from emulator.cloud.outside import AT_ONCE, happen
from emulator.core.errors import CloudError
from emulator.core.ids import INSTANCE
from emulator.core.project_settings import ProjectSettings
from emulator.core.store import CloudResource, Json
from emulator.machines import workloads
from emulator.machines.manager import MachineManager
from emulator.machines.troubles import PERCENT, TROUBLES
from emulator.web.bodies import json_body

SOMEBODY = "somebody@example.com"
"""The user of an operation if a fault names none."""


class AdminApi:
    def __init__(self, cloud: Cloud, manager: MachineManager) -> None:
        self._cloud = cloud
        self._manager = manager

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/_emulator/objects", self.objects, methods=["GET"]),
            Route("/_emulator/objects/{type}/{id:path}", self.drift, methods=["PATCH"]),
            Route("/_emulator/project", self.project, methods=["GET"]),
            Route("/_emulator/project", self.change_project, methods=["PATCH"]),
            Route("/_emulator/operations", self.operations, methods=["GET"]),
            Route("/_emulator/log", self.log, methods=["GET"]),
            Route("/_emulator/faults", self.faults, methods=["GET"]),
            Route("/_emulator/faults", self.add_fault, methods=["POST"]),
            Route("/_emulator/faults", self.clear_faults, methods=["DELETE"]),
        ]

    async def objects(self, request: Request) -> Response:
        """All resources, without payloads of secrets; `?type=` limits them to one type."""
        resources = self._cloud.store.all(request.query_params.get("type"))
        return JSONResponse([_shown(resource) for resource in resources])

    async def operations(self, request: Request) -> Response:
        return JSONResponse(self._cloud.store.operations())

    async def log(self, request: Request) -> Response:
        """Calls, oldest first; `?after=NUMBER` limits them to newer ones."""
        after = request.query_params.get("after", "0")
        return JSONResponse(self._cloud.store.calls(int(after) if after.isdecimal() else 0))

    async def faults(self, request: Request) -> Response:
        return JSONResponse(self._cloud.faults.as_json())

    async def clear_faults(self, request: Request) -> Response:
        self._cloud.faults.clear()
        return JSONResponse({})

    async def add_fault(self, request: Request) -> Response:
        """Inject a fault or preset, given as JSON with the fields of faults.Fault."""
        try:
            return JSONResponse(await self.add(await json_body(request)))
        except (FaultError, CloudError) as error:
            return JSONResponse({"error": str(error)}, status_code=422)

    async def drift(self, request: Request) -> Response:
        """Change part of a resource's state outside of Terraform."""
        try:
            resource = self._cloud.find(request.path_params["type"], request.path_params["id"])
            resource.state |= await json_body(request)
        except CloudError as error:
            return JSONResponse({"error": error.message}, status_code=error.code)
        self._cloud.store.put(resource)
        return JSONResponse(_shown(resource))

    async def project(self, request: Request) -> Response:
        return JSONResponse(ProjectSettings.of(self._cloud.store).as_json())

    async def change_project(self, request: Request) -> Response:
        """Turn billing or APIs off, deny permissions, or lower quotas: fields of ProjectSettings, as JSON."""
        settings = ProjectSettings.of(self._cloud.store)
        try:
            settings.change(await json_body(request))
        except CloudError as error:
            return JSONResponse({"error": error.message}, status_code=error.code)
        settings.save(self._cloud.store)
        return JSONResponse(settings.as_json())

    async def add(self, values: Json) -> Json:
        """Inject a fault. Presets in AT_ONCE, TROUBLES and workloads happen now, others at the next matching call.

        Raises FaultError.
        """
        preset, user = str(values.get("preset")), str(values.get("user") or SOMEBODY)
        if preset not in AT_ONCE | TROUBLES | workloads.MEANINGS:
            return {"faults": [self._cloud.faults.add(values).number]}
        percent = _percent(values)
        type_ = str(values.get("type", "")) if preset == "vanish" else INSTANCE
        try:
            matched = self._matching(type_, str(values.get("id", "")))
        except re.error as error:
            raise FaultError(f"the id is not a regular expression: {error}") from None
        for resource in matched:
            if preset in TROUBLES:
                await self._manager.trouble(resource.id, preset, percent)
            elif preset in workloads.MEANINGS:
                await self._manager.work(resource.id, preset)
            else:
                await happen(self._cloud, preset, resource, user)
        return {"objects": [resource.id for resource in matched]}

    def _matching(self, type_: str, pattern: str) -> list[CloudResource]:
        if not type_ and not pattern:
            raise FaultError("give a type, an id (a regular expression), or both")
        return [resource for resource in self._cloud.store.all(type_ or None) if re.search(pattern, resource.id)]


def _percent(values: Json) -> int:
    percent = str(values.get("percent") or PERCENT)
    if not percent.isdecimal() or int(percent) > 100:
        raise FaultError("percent is a number from 0 to 100")
    return int(percent)


def _shown(resource: CloudResource) -> Json:
    parts = {name: value for name, value in asdict(resource).items() if name != "secret"}
    return {**parts, "number": str(resource.number)}
