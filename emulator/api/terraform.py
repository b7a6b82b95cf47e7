"""The API for the emulated provider: resources in Terraform's shape, one call per change."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from emulator.api.call_log import CallLog
from emulator.cloud.cloud import Cloud
from emulator.cloud.data_sources import DataSource
from emulator.core.errors import CloudError
from emulator.core.projects import with_project_id
from emulator.core.store import Json
from emulator.web.bodies import json_body


class TerraformApi:
    def __init__(self, cloud: Cloud, calls: CallLog) -> None:
        self._cloud = cloud
        self._calls = calls

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/terraform/{type}/{id:path}", self.change, methods=["POST", "PUT"]),
            Route("/terraform/{type}/{id:path}", self.read, methods=["GET"]),
            Route("/terraform/{type}/{id:path}", self.delete, methods=["DELETE"]),
            Route("/terraform-data/{type}", self.data, methods=["POST"]),
        ]

    async def change(self, request: Request) -> Response:
        type_, id_ = self._target(request)
        op, act = ("create", self._cloud.create) if request.method == "POST" else ("update", self._cloud.update)
        try:
            body = await json_body(request)
            with self._calls.call(op, type_, id_):
                resource = await act(type_, id_, _part(body, "state"), _part(body, "write_only"))
            return JSONResponse({"state": resource.state})
        except CloudError as error:
            return _refusal(error)

    async def read(self, request: Request) -> Response:
        type_, id_ = self._target(request)
        try:
            with self._calls.call("read", type_, id_):
                return JSONResponse({"state": await self._cloud.read(type_, id_)})
        except CloudError as error:
            return _refusal(error)

    async def delete(self, request: Request) -> Response:
        type_, id_ = self._target(request)
        try:
            with self._calls.call("delete", type_, id_):
                await self._cloud.delete(type_, id_)
            return JSONResponse({})
        except CloudError as error:
            return _refusal(error)

    async def data(self, request: Request) -> Response:
        type_ = request.path_params["type"]
        try:
            body = await json_body(request)
            source = DataSource(self._cloud, type_, _part(body, "config"), _part(body, "provider"))
            with self._calls.call("data", type_, str(source.config.get("name") or "")):
                await self._cloud.inject_faults("data", type_, "")
                return JSONResponse(source.read())
        except CloudError as error:
            return _refusal(error)

    def _target(self, request: Request) -> tuple[str, str]:
        id_ = with_project_id(request.path_params["id"], self._cloud.context.project)
        return request.path_params["type"], id_


def _part(body: Json, name: str) -> Json:
    part = body.get(name) or {}
    if not isinstance(part, dict):
        raise CloudError(400, f"'{name}' must be an object")
    return part


def _refusal(error: CloudError) -> Response:
    return JSONResponse(error.for_terraform(), status_code=error.code)
