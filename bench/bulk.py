"""An action on a thousand workstations: how soon the request is answered, and how soon each has its run."""

import asyncio
import re
import time
from dataclasses import replace

from app import clock, origin
from app.deps import Portal
from app.main import create_app
from app.services.workstations import bulk
from bench.fill import fill
from bench.report import Figure
from tests.clients import signed_in
from tests.database import fresh_database
from tests.parts import SecretsInMemory, make_settings

SEARCH = "dev-1 status:running"
ALL = "/admin/workstations/actions/all"


def measure() -> list[Figure]:
    """In one process with a real database of 10,000 workstations."""
    with fresh_database() as url, origin.bound("bench"):
        return asyncio.run(_measure(url))


async def _measure(url: str) -> list[Figure]:
    app = create_app(make_settings(database_url=url))
    portal = app.state.portal = replace(app.state.portal, secrets=SecretsInMemory())
    async with await signed_in(app, "ada") as ada:
        async with portal.database.sessions.begin() as session:
            await fill(session, clock.utc_now())
        page = (await ada.get(ALL, params={"verb": "stop", "q": SEARCH})).text
        number = int(re.findall(r'name="number" value="(\d+)"', page)[0])
        began = time.perf_counter()
        answer = await ada.post(ALL, data={"verb": "stop", "q": SEARCH, "number": number})
        answered = time.perf_counter() - began
        action_id = answer.headers["location"].rpartition("/")[2]
        used, began, done = time.process_time(), time.perf_counter(), 0
        while await _next(app.state.portal, action_id):
            done += 1
        used, took = time.process_time() - used, time.perf_counter() - began
    await portal.database.close()
    if done != number:
        raise AssertionError(f"{done} of {number} were done")
    return [
        Figure(f"action on {number} workstations: answered", 1000 * answered, None, "ms"),
        Figure("  all requested", took, None, "s"),
        Figure("  of it the worker's processor time", used, None, "s"),
    ]


async def _next(portal: Portal, action_id: str) -> bool:
    async with portal.database.sessions.begin() as session:
        return await bulk.request_next(portal.context(session), action_id)
