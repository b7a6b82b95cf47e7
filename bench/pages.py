"""Admins' pages of 10,000 workstations, 2,000 members and 2,000 allowed IPs, as the server makes them.

What counts is the processor's time, of the web process and of its database connections: one request comes after the
other, and what else this machine does changes little of it. The time by the clock stands beside it.
"""

import asyncio
import random
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx2
from fastapi import FastAPI
from sqlalchemy import event, text

from app import clock, origin
from app.main import create_app
from app.services.workstations import listing
from bench.fill import IPS, MEMBERS, WORKSTATIONS, fill
from bench.report import Figure, percentile
from tests.clients import signed_in
from tests.database import fresh_database
from tests.parts import SecretsInMemory, make_settings

REQUESTS = 300
SEARCHES = (
    *("", "dev", "9", "owner:member1", "owner:example.com", "status:running", "status:stopped", "gpu:l4", "gpu:none"),
    *("type:e2 zone:europe", "owner:member7 status:preempted", "gpu:a100 zone:us dev-1", "nothing-has-this-name"),
)


def measure() -> list[Figure]:
    """In one process with a real database."""
    with fresh_database() as url:
        return asyncio.run(_measure(url))


@dataclass
class Server:
    """The portal, somebody who asks it for pages, and what that costs."""

    app: FastAPI
    ada: httpx2.AsyncClient
    queries: list[str] = field(default_factory=list)
    connections: list[Path] = field(default_factory=list)

    async def warm_up(self, path: str) -> None:
        """Compile templates and queries, and find out which processes of the database serve it."""
        engine = self.app.state.portal.database.engine
        for _ in range(3):
            await self.ada.get(path)
        async with engine.connect() as connection:
            found = "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
            pids = await connection.scalars(text(found))
            self.connections = [Path("/proc", str(pid), "schedstat") for pid in pids]

    def processor_seconds(self) -> float:
        """Of this process and those of the database."""
        return time.process_time() + sum(int(each.read_text().split()[0]) for each in self.connections) / 1e9

    async def ask(self, path: str) -> tuple[float, float, int]:
        """Milliseconds of the processor and by the clock, and the number of queries."""
        self.queries.clear()
        used, began = self.processor_seconds(), time.perf_counter()
        answer = await self.ada.get(path)
        took = (self.processor_seconds() - used, time.perf_counter() - began)
        assert answer.status_code == 200, answer.text
        return 1000 * took[0], 1000 * took[1], len(self.queries)


async def _measure(url: str) -> list[Figure]:
    app = create_app(make_settings(database_url=url))
    app.state.portal = replace(app.state.portal, secrets=SecretsInMemory())
    database = app.state.portal.database
    with origin.bound("bench"):
        async with await signed_in(app, "ada") as ada:
            async with database.sessions.begin() as session:
                await fill(session, clock.utc_now())
            server = Server(app, ada)
            event.listen(
                database.engine.sync_engine, "before_cursor_execute", lambda *call: server.queries.append(call[2])
            )
            figures = [
                *await _figures(server, "workstations", _workstation_pages(), 4),
                *await _figures(server, "members", _others("/admin/members", "m", MEMBERS), None),
                *await _figures(server, "allowed IPs", _others("/admin/allowed-ips", "i", IPS), None),
            ]
    await database.close()
    return figures


def _workstation_pages() -> list[str]:
    pick = random.Random(1)
    pages = [
        f"/admin/workstations?q={search.replace(' ', '+')}&sort={sort}&after={after}"
        for search in SEARCHES
        for sort in listing.SORTS
        for after in ("", f"w{pick.randrange(WORKSTATIONS)}", f"w{pick.randrange(WORKSTATIONS)}")
    ]
    return pick.sample(pages, min(len(pages), REQUESTS))


def _others(path: str, prefix: str, number: int) -> list[str]:
    pick = random.Random(2)
    afters = ["", *(f"{prefix}{pick.randrange(number)}" for _ in range(15))]
    return [
        f"{path}?q={search}&after={after}" for search in ("", "7", "example", "nobody-has-this") for after in afters
    ]


async def _figures(server: Server, name: str, paths: list[str], most_queries: int | None) -> list[Figure]:
    await server.warm_up(paths[0])
    asked = [await server.ask(path) for path in paths]
    used, took = [each[0] for each in asked], [each[1] for each in asked]
    return [
        Figure(f"page of {name}, processor, p95 of {len(paths)}", percentile(used, 95), 60, "ms"),
        Figure("  p50", percentile(used, 50), None, "ms"),
        Figure("  by the clock, with all that else goes on here, p95", percentile(took, 95), None, "ms"),
        # Once a minute, two more note that somebody was seen.
        Figure("  queries, p95", percentile([float(each[2]) for each in asked], 95), most_queries, ""),
    ]
