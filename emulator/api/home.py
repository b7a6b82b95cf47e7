"""The emulator's web page: resources, and buttons that inject faults."""

import re
from collections import Counter

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from emulator.api.admin import AdminApi
from emulator.cloud.cloud import Cloud
from emulator.cloud.faults import MEANINGS, FaultError
from emulator.cloud.outside import AT_ONCE
from emulator.core.ids import INSTANCE, last, parse_id
from emulator.core.store import CloudResource, Json
from emulator.machines import workloads
from emulator.machines.machine_spec import public_keys_of
from emulator.machines.troubles import TROUBLES
from emulator.web.bodies import form_fields
from emulator.web.pages import Pages


class HomePage:
    def __init__(self, cloud: Cloud, admin: AdminApi, pages: Pages, ssh_port: int) -> None:
        self._cloud = cloud
        self._admin = admin
        self._pages = pages
        self._ssh_port = ssh_port

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/", self.home, methods=["GET"]),
            Route("/_emulator/page/faults", self.add, methods=["POST"]),
            Route("/_emulator/page/faults/clear", self.clear, methods=["POST"]),
        ]

    async def home(self, request: Request) -> Response:
        return self._render("")

    async def add(self, request: Request) -> Response:
        form = await form_fields(request)
        values: Json = {"preset": form.get("preset", ""), "id": re.escape(form.get("id", "").strip())}
        if values["preset"] == "vanish":
            values["type"] = INSTANCE
        elif values["preset"] in TROUBLES:
            values["percent"] = form.get("percent", "")
        elif values["preset"] not in AT_ONCE | workloads.MEANINGS:
            values["times"] = form.get("times") or "1"
        try:
            await self._admin.add(values)
        except FaultError as error:
            return self._render(str(error), 422)
        return RedirectResponse("/", 303)

    async def clear(self, request: Request) -> Response:
        self._cloud.faults.clear()
        return RedirectResponse("/", 303)

    def _render(self, problem: str, status: int = 200) -> Response:
        resources = self._cloud.store.all()
        return self._pages.render(
            "home.html",
            status=status,
            project=self._cloud.context.project,
            machines=[self._machine(resource) for resource in resources if resource.type == INSTANCE],
            counts=dict(Counter(resource.type for resource in resources)),
            presets=MEANINGS | AT_ONCE | TROUBLES | workloads.MEANINGS,
            faults=self._cloud.faults.as_json(),
            problem=problem,
        )

    def _machine(self, resource: CloudResource) -> Json:
        scoped, users = parse_id(resource.id), sorted(public_keys_of(resource))
        address = resource.cloud.get("nat_ip") if resource.cloud.get("status") == "RUNNING" else None
        return {
            "name": last(resource.id),
            "status": resource.cloud.get("status"),
            "type": last(str(resource.state.get("machine_type") or "")),
            "zone": scoped.zone if scoped else "",
            "ssh": f"ssh -p {self._ssh_port} {users[0]}@{address}" if users and address else "",
        }
