"""The emulator's own calls: look inside, make trouble."""

import re

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from ..cloud import Cloud
from ..errors import CloudError
from ..faults import FaultError
from ..ids import INSTANCE
from ..project_traits import ProjectTraits
from ..store import CloudObject, Json
from .bodies import json_body


class AdminApi:
    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

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
        """Everything there is, without secret payloads; `?type=` for one type."""
        things = self._cloud.store.all(request.query_params.get("type"))
        return JSONResponse([_shown(thing) for thing in things])

    async def operations(self, request: Request) -> Response:
        return JSONResponse(self._cloud.store.operations())

    async def log(self, request: Request) -> Response:
        """Calls, oldest first; `?after=NUMBER` for newer ones only."""
        after = request.query_params.get("after", "0")
        return JSONResponse(self._cloud.store.calls(int(after) if after.isdecimal() else 0))

    async def faults(self, request: Request) -> Response:
        return JSONResponse(self._cloud.faults.as_json())

    async def clear_faults(self, request: Request) -> Response:
        self._cloud.faults.clear()
        return JSONResponse({})

    async def add_fault(self, request: Request) -> Response:
        """A fault or a preset as JSON: see faults.Fault for its fields."""
        try:
            return JSONResponse(await self.inject(await json_body(request)))
        except (FaultError, CloudError) as error:
            return JSONResponse({"error": str(error)}, status_code=422)

    async def drift(self, request: Request) -> Response:
        """Changes some of an object's state behind Terraform's back."""
        try:
            thing = self._cloud.find(request.path_params["type"], request.path_params["id"])
            thing.state |= await json_body(request)
        except CloudError as error:
            return JSONResponse({"error": error.message}, status_code=error.code)
        self._cloud.store.put(thing)
        return JSONResponse(_shown(thing))

    async def project(self, request: Request) -> Response:
        return JSONResponse(ProjectTraits.of(self._cloud.store).as_json())

    async def change_project(self, request: Request) -> Response:
        """Turns billing or APIs off, denies permissions, lowers quotas: the fields of ProjectTraits, as JSON."""
        traits = ProjectTraits.of(self._cloud.store)
        try:
            traits.change(await json_body(request))
        except CloudError as error:
            return JSONResponse({"error": error.message}, status_code=error.code)
        traits.keep(self._cloud.store)
        return JSONResponse(traits.as_json())

    async def inject(self, wish: Json) -> Json:
        """`vanish` and `preempt` happen at once, the other faults wait for their call. Raises FaultError."""
        if wish.get("preset") not in ("vanish", "preempt"):
            return {"faults": [self._cloud.faults.add(wish).number]}
        preempting = wish["preset"] == "preempt"
        try:
            matched = self._matching(INSTANCE if preempting else str(wish.get("type", "")), str(wish.get("id", "")))
        except re.error as error:
            raise FaultError(f"the id is not a regular expression: {error}") from None
        for thing in matched:
            if preempting:
                await self._cloud.change_power("preempt", thing.id)
            else:
                self._cloud.vanish(thing)
        return {"objects": [thing.id for thing in matched]}

    def _matching(self, type_: str, pattern: str) -> list[CloudObject]:
        if not type_ and not pattern:
            raise FaultError("say what: a type, an id (a regular expression), or both")
        return [thing for thing in self._cloud.store.all(type_ or None) if re.search(pattern, thing.id)]


def _shown(thing: CloudObject) -> Json:
    return {"type": thing.type, "id": thing.id, "number": str(thing.number), "state": thing.state, "cloud": thing.cloud}
