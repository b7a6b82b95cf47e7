"""The page for people: what there is, and how to make trouble."""

import re
from collections import Counter

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from ..cloud import Cloud
from ..faults import FaultError
from ..ids import INSTANCE, last, parse
from ..machines.spec import public_keys_of
from ..pages import Pages
from ..store import CloudObject, Json
from .admin import AdminApi
from .forms import form_fields

MEANINGS = {
    "stock-out": "the zone has no such machine left",
    "quota": "the project may have no more of them",
    "forbidden": "the deployer lacks a permission",
    "server-error": "Google is unwell",
    "slow": "half a minute longer than usual",
    "preempt": "Google takes machines back, now",
    "vanish": "somebody deletes machines behind Terraform's back, now",
}


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
        wish: Json = {"preset": form.get("preset", ""), "id": re.escape(form.get("id", "").strip())}
        if wish["preset"] == "vanish":
            wish["type"] = INSTANCE
        elif wish["preset"] != "preempt":
            wish["times"] = form.get("times") or "1"
        try:
            await self._admin.inject(wish)
        except FaultError as error:
            return self._render(str(error), 422)
        return RedirectResponse("/", 303)

    async def clear(self, request: Request) -> Response:
        self._cloud.faults.clear()
        return RedirectResponse("/", 303)

    def _render(self, problem: str, status: int = 200) -> Response:
        things = self._cloud.store.all()
        return self._pages.render(
            "home.html",
            status=status,
            project=self._cloud.world.project,
            machines=[self._machine(thing) for thing in things if thing.type == INSTANCE],
            counts=dict(Counter(thing.type for thing in things)),
            presets=MEANINGS,
            faults=self._cloud.faults.as_json(),
            problem=problem,
        )

    def _machine(self, thing: CloudObject) -> Json:
        scoped, users = parse(thing.id), sorted(public_keys_of(thing))
        address = thing.cloud.get("nat_ip") if thing.cloud.get("status") == "RUNNING" else None
        return {
            "name": last(thing.id),
            "status": thing.cloud.get("status"),
            "type": last(str(thing.state.get("machine_type") or "")),
            "zone": scoped.zone if scoped else "",
            "ssh": f"ssh -p {self._ssh_port} {users[0]}@{address}" if users and address else "",
        }
