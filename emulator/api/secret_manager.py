"""The parts of the Secret Manager API that the portal uses."""

import base64
import binascii
import re
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from emulator.api.call_log import CallLog
from emulator.cloud.cloud import Cloud
from emulator.core.errors import CloudError
from emulator.core.ids import SECRET, SECRET_VERSION
from emulator.core.projects import with_project_id, with_project_number
from emulator.core.store import CloudResource, Json
from emulator.rules.secret import no_secret, versions_of
from emulator.views.secrets import crc32c, payload_view, secret_view, version_view
from emulator.web.bodies import json_body

SECRET_ID = re.compile(r"[a-zA-Z0-9_-]{1,255}")
MAX_PAYLOAD = 65536
PAGE_SIZE = 25_000


class SecretManagerApi:
    def __init__(self, cloud: Cloud, calls: CallLog) -> None:
        self._cloud = cloud
        self._calls = calls

    def routes(self) -> list[BaseRoute]:
        secrets = "/v1/projects/{project}/secrets"
        secret = secrets + "/{secret}"
        version = secret + "/versions/{version}"
        return [
            self._route(secrets, "list", self.list, "GET"),
            self._route(secrets, "create", self.create, "POST"),
            self._route(secret + ":addVersion", "addVersion", self.add_version, "POST"),
            self._route(secret, "get", self.get, "GET"),
            self._route(secret, "delete", self.delete, "DELETE"),
            self._route(secret + "/versions", "listVersions", self.list_versions, "GET"),
            self._route(version + ":access", "access", self.access, "GET"),
            self._route(version + ":destroy", "destroy", self.destroy, "POST"),
        ]

    async def list(self, request: Request, name: str) -> Json:
        found = [secret_view(resource) for resource in self._cloud.store.all(SECRET, f"{name}/")]
        return _page("secrets", found, request)

    async def create(self, request: Request, name: str) -> Json:
        secret_id = request.query_params.get("secretId", "")
        if not SECRET_ID.fullmatch(secret_id):
            raise CloudError(400, "The provided Secret ID does not match the expected format [[a-zA-Z_0-9]+]")
        body = await json_body(request)
        if not body.get("replication"):
            raise CloudError(400, "Secret.replication: must be set.")
        id_ = f"{name}/{secret_id}"
        state: Json = {
            "id": id_,
            "name": id_,
            "secret_id": secret_id,
            "labels": body.get("labels") or {},
            "effective_labels": body.get("labels") or {},
            "annotations": body.get("annotations") or {},
            "replication": [{"auto": [{}]}],
        }
        return secret_view(await self._cloud.create(SECRET, id_, state, {}))

    async def get(self, request: Request, name: str) -> Json:
        return secret_view(self._secret(name))

    async def delete(self, request: Request, name: str) -> Json:
        await self._cloud.delete(SECRET, self._secret(name).id)
        return {}

    async def add_version(self, request: Request, name: str) -> Json:
        secret = self._secret(name)
        payload = (await json_body(request)).get("payload") or {}
        data = _payload(payload)
        state = {"secret": secret.id, "enabled": True}
        kept = {"payload": base64.b64encode(data).decode()}
        made = await self._cloud.create(SECRET_VERSION, f"{secret.id}/versions/new", state, kept)
        made.cloud["has_checksum"] = "dataCrc32c" in payload
        self._cloud.store.put(made)
        return version_view(made)

    async def list_versions(self, request: Request, name: str) -> Json:
        secret = self._secret(name.removesuffix("/versions"))
        versions = [version_view(version) for version in versions_of(self._cloud.context, secret.id)]
        return _page("versions", versions, request)

    async def access(self, request: Request, name: str) -> Json:
        version = self._version(name)
        if version.cloud["status"] != "ENABLED":
            text = f"Secret Version [{with_project_number(version.id)}] is in {version.cloud['status']} state."
            raise CloudError(400, text, "failedPrecondition")
        return payload_view(version)

    async def destroy(self, request: Request, name: str) -> Json:
        version = self._version(name)
        version.secret = {}
        version.state.pop("secret_data", None)
        version.cloud |= {"status": "DESTROYED", "destroyed": self._cloud.context.now()}
        self._cloud.store.put(version)
        return version_view(version)

    def _secret(self, name: str) -> CloudResource:
        found = self._cloud.store.get(SECRET, name)
        if found is None:
            raise no_secret(name)
        return found

    def _version(self, name: str) -> CloudResource:
        """A version of a secret. `latest` is the newest one that is not destroyed."""
        parent, _, number = name.rpartition("/versions/")
        self._secret(parent)
        for version in versions_of(self._cloud.context, parent):
            is_latest = number == "latest" and version.cloud["status"] != "DESTROYED"
            if is_latest or version.id == name:
                return version
        raise CloudError(404, f"Secret Version [{with_project_number(name)}] not found.")

    def _route(self, path: str, op: str, handler: Callable[[Request, str], Awaitable[Json]], method: str) -> Route:
        type_ = SECRET_VERSION if "/versions" in path or op == "addVersion" else SECRET

        async def answer(request: Request) -> Response:
            name = with_project_id(
                request.url.path.removeprefix("/v1/").removesuffix(f":{op}"), self._cloud.context.project
            )
            try:
                with self._calls.call(op, type_, name):
                    await self._cloud.inject_faults(op, type_, name)
                    return JSONResponse(await handler(request, name))
            except CloudError as error:
                return JSONResponse(error.for_one_platform(), status_code=error.code)

        return Route(path, answer, methods=[method])


def _payload(payload: Json) -> bytes:
    """The payload of a request. Raises CloudError (400) if it is damaged or too large."""
    try:
        data = base64.b64decode(str(payload.get("data") or ""), altchars=b"-_" if _is_urlsafe(payload) else None)
    except binascii.Error:
        raise CloudError(400, "Invalid value at 'payload.data' (TYPE_BYTES), Base64 decoding failed") from None
    if not data:
        raise CloudError(400, "Secret Payload cannot be empty.")
    if len(data) > MAX_PAYLOAD:
        raise CloudError(400, f"The payload exceeds the maximum size of {MAX_PAYLOAD} bytes.")
    if "dataCrc32c" in payload and int(payload["dataCrc32c"]) != crc32c(data):
        raise CloudError(400, "The provided payload checksum does not match the payload data.")
    return data


def _is_urlsafe(payload: Json) -> bool:
    return bool(set("-_") & set(str(payload.get("data"))))


def _page(name: str, items: list[Json], request: Request) -> Json:
    size, start = request.query_params.get("pageSize", ""), request.query_params.get("pageToken", "")
    count = min(int(size) if size.isdecimal() and int(size) else PAGE_SIZE, PAGE_SIZE)
    begin = int(start) if start.isdecimal() else 0
    answer: Json = {"totalSize": len(items)}
    if items[begin : begin + count]:
        answer[name] = items[begin : begin + count]
    if begin + count < len(items):
        answer["nextPageToken"] = str(begin + count)
    return answer
