"""A workstation's machine that posts to the portal, with tokens as Google signs them, or does not."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx2
from fastapi import FastAPI

from app.infra.machine_tokens import MachineTokens
from app.infra.oidc import OpenIdProvider
from app.models import Workstation
from app.models.machine_report import MachineReport
from app.services.workstations import activities, observations, reports
from app.services.workstations.observations import Sighting
from tests.app.openid_provider import OpenIdServer
from tests.stage import Stage

PORTAL = "http://portal.test"
NUMBER = "7290415528930012345"
ACTIVITY, KEEP = "/api/v1/machine/activity", "/api/v1/machine/keep"


class Machine:
    """A workstation's machine, with the portal that it posts to."""

    def __init__(self, stage: Stage, google: OpenIdServer, client: httpx2.AsyncClient, row: Workstation) -> None:
        self.stage, self.google, self.client, self.row = stage, google, client, row

    def token(self, *, of: Any = None, **claims: Any) -> str:
        """As Google says it, but for these claims; `of` is put over what it says of the machine."""
        machine = {
            "instance_id": NUMBER,
            "instance_name": self.row.resource_name,
            "project_id": "test-project",
            "project_number": 1234,
            "zone": self.row.zone,
        }
        of_machine = {"compute_engine": {**machine, **(of or {})}}
        usual = {"aud": PORTAL, "azp": "117", "sub": "117", "email": "ws@x.example", "google": of_machine}
        return self.google.sign({**usual, **claims}, int(self.stage.clock().timestamp()))

    async def tell_portal(self, record: dict[str, Any], token: str | None = None) -> httpx2.Response:
        """What its agent measured."""
        return await self.post({"record": record}, ACTIVITY, token)

    async def post(self, body: Any, path: str, token: str | None = None) -> httpx2.Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {token or self.token()}", "Content-Type": "application/json"}
        return await self.client.post(path, content=content, headers=headers)

    def record(self, cpu: float = 42, *, before: int = 0) -> dict[str, Any]:
        """Of a minute that ended so many minutes ago."""
        at = self.stage.clock() - timedelta(minutes=before)
        return {"at": at.isoformat(), "cpu": cpu, "minutes": [[int(at.timestamp() // 60) - 1, None, cpu]]}

    async def tell(self, record: dict[str, Any]) -> None:
        """By guest attributes, which a worker reads."""
        async with self.stage.database.sessions.begin() as session:
            row = await session.get_one(Workstation, self.row.id)
            report = MachineReport.read({**row.report, "activity": json.dumps(record)})
            await reports.record(self.stage.context(session), row, report)

    async def seen(self, sighting: Sighting) -> None:
        """By the worker that reads Google's list."""
        self.stage.clock.advance(seconds=1)
        async with self.stage.database.sessions.begin() as session:
            ctx = self.stage.context(session)
            assert await observations.observe(ctx, self.row.id, sighting, self.stage.clock())

    async def cpu(self) -> tuple[float | None, list[float | None]]:
        """By the newest record, and of the minutes that are known."""
        async with self.stage.database.sessions() as session:
            row, now = await session.get_one(Workstation, self.row.id), self.stage.clock()
            known = await activities.minutes(session, row.id, now - timedelta(hours=1), now)
            return row.activity.cpu if row.activity else None, [minute.cpu for minute in known]


def forget_posts(app: FastAPI, google: OpenIdServer) -> None:
    """As a portal does that was just started."""
    portal = app.state.portal
    settings = portal.settings.model_copy(update={"oidc_issuer": google.issuer})
    tokens = MachineTokens(settings, OpenIdProvider(settings))
    app.state.portal = replace(portal, settings=settings, machine_tokens=tokens)
