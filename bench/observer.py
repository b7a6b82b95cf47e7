"""What watching 5,000 machines costs, and how soon a change at Google is in the workstation's row."""

import asyncio
import random
import tempfile
import time
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select

from app import clock, db, origin
from app.db import Database
from app.infra.google import Compute
from app.infra.machine_lists import MachineLists
from app.models import Member, Root, Stack, Workstation
from app.models import WorkstationStatus as S
from app.worker.claim import Tools
from app.worker.machine_observer import TICK_SECONDS, MachineObserver
from bench.report import Figure, percentile
from emulator.core.store import CloudResource, Store
from tests.app.worker.scripted import make_tools
from tests.database import fresh_database
from tests.emulator.world import IN_ZONE, PROJECT, ZONE, World, machine
from tests.emulator_process import EmulatorProcess, start_emulator
from tests.parts import MovingClock, make_settings

MACHINES = 5_000
TICKS = 9
CHANGES = 60


def measure() -> list[Figure]:
    """The observer in this process, by the real clock, at the emulator's lists."""
    with tempfile.TemporaryDirectory() as folder, fresh_database() as url, origin.bound("bench"):
        emulator = start_emulator(Path(folder) / "cloud")
        try:
            _make_machines(emulator)
            return asyncio.run(_measure(url, World(emulator)))
        finally:
            emulator.stop()


class RealClock(MovingClock):
    """The time that it is."""

    def __call__(self) -> datetime:
        """Now."""
        return clock.utc_now()


async def _measure(url: str, world: World) -> list[Figure]:
    database = db.connect(url)
    await _fill(database)
    tools = _tools(url, database, world)
    observer = MachineObserver(tools, MachineLists(tools.settings))
    # Once around the list, so that every machine is known.
    for _ in range(6):
        await observer.observe()
    before = world.emulator.log_of_calls()[-1]["number"]
    used, began = time.process_time(), time.perf_counter()
    changing = asyncio.create_task(asyncio.to_thread(_change, world))
    with suppress(TimeoutError):
        await asyncio.wait_for(observer.observe_for_ever(), TICKS * TICK_SECONDS)
    used, minutes = time.process_time() - used, (time.perf_counter() - began) / 60
    calls = [call for call in world.emulator.log_of_calls(before) if call["op"] in {"aggregatedList", "get"}]
    stopped = await changing
    await observer.observe()
    lags = await _lags(database, world, stopped)
    await database.close()
    return [
        Figure(f"watching {MACHINES} machines: calls a minute", len(calls) / minutes, 12, ""),
        Figure("  of one processor", 100 * used / (60 * minutes), 5, "%"),
        Figure(f"  change at Google to row, p99 of {len(lags)}", percentile(lags, 99), 30, "s"),
        Figure("  p50", percentile(lags, 50), None, "s"),
    ]


async def _fill(database: Database) -> None:
    now = clock.utc_now()
    same = {
        "owner_id": "m",
        "status": S.RUNNING,
        "status_before": S.RUNNING,
        "machine_type": "e2-standard-4",
        "accelerator_count": 0,
        "zone": ZONE,
        "image": "i",
        "boot_disk_size_gb": 50,
        "disk_size_gb": 100,
        "disk_type": "pd-balanced",
        "spot": False,
        "ssh_username": "member",
        "owner_label": "member",
        "created_at": now,
        "disk_kept": False,
    }
    member = {"id": "m", "sub": "s", "email": "m@example.com", "account_name": "m", "name": "M"}
    stacks = [{"id": f"w{n}", "root": Root.WORKSTATION, "created_at": now} for n in range(MACHINES)]
    async with database.sessions.begin() as session:
        await session.execute(insert(Member).values({**member, "created_at": now, "last_seen_at": now}))
        await session.execute(insert(Stack), stacks)
        await session.execute(
            insert(Workstation), [{**same, "id": f"w{n}", "name": f"dev-{n}"} for n in range(MACHINES)]
        )


def _make_machines(emulator: EmulatorProcess) -> None:
    """One by a request and the others like it: 5,000 requests take the emulator a quarter of an hour.

    Without an address, so that it starts no SSH server for each.
    """
    state: dict[str, Any] = {**machine(), "network_interface": [{"network": "default"}]}
    World(emulator).create("google_compute_instance", f"{IN_ZONE}/instances/model", state)
    emulator.stop()
    store = Store(emulator.data_dir)
    [model] = store.all("google_compute_instance")
    with store.transaction():
        for n in range(MACHINES):
            store.put(CloudResource(model.type, f"{IN_ZONE}/instances/dev-{n}-w{n}", model.state, {}, model.cloud))
    store.close()
    emulator.start()


def _tools(url: str, database: Database, world: World) -> Tools:
    settings = make_settings(database_url=url, google_project=PROJECT, compute_endpoint=world.emulator.url)
    return replace(make_tools(settings, database, RealClock()), compute=Compute(settings))


def _change(world: World) -> list[str]:
    """Stop some machines at random moments; returns the IDs of their workstations."""
    pick = random.Random(3)
    numbers = pick.sample(range(MACHINES), CHANGES)
    for n in numbers:
        time.sleep(pick.uniform(0, 2 * TICK_SECONDS * (TICKS - 2) / CHANGES))
        world.emulator.fault("stop", id=f"dev-{n}-w{n}$", user="ada@example.com")
    return [f"w{n}" for n in numbers]


async def _lags(database: Database, world: World, stopped: list[str]) -> list[float]:
    """From the moment at which Google has stopped a machine, in seconds."""
    machines = world.emulator.objects("google_compute_instance")
    stopped_at = {each["id"].rpartition("-")[2]: each["cloud"].get("stopped") for each in machines}
    async with database.sessions() as session:
        rows = list(await session.scalars(select(Workstation).where(Workstation.id.in_(stopped))))
    missed = [row.id for row in rows if row.status is not S.STOPPED]
    if missed:
        raise AssertionError(f"not noticed: {missed}")
    return [
        (row.google_status_since - datetime.fromisoformat(str(stopped_at[row.id]))).total_seconds()
        for row in rows
        if row.google_status_since
    ]
