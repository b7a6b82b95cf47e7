"""The worker process: executes runs and jobs, observes machines, and shuts down gracefully."""

import asyncio
import os
import signal
import socket
from contextlib import suppress

import structlog

from app import clock, db, origin
from app.config import Settings
from app.crypto import Vault
from app.infra import ssh
from app.infra.google import Compute
from app.infra.machine_lists import MachineLists
from app.infra.secrets import SecretStore
from app.live import Hub
from app.models import Root, Worker
from app.models.base import short_id
from app.services import inspections
from app.services.catalog import Catalog, availability
from app.worker import jobs
from app.worker.claim import Tools
from app.worker.dispatch import Dispatcher
from app.worker.folder import host_id
from app.worker.heartbeat import Heartbeat
from app.worker.machine_observer import MachineObserver
from app.worker.roots import Roots
from app.worker.slots import Slots
from app.worker.sweep import Sweep
from app.worker.watch import Watch

log = structlog.get_logger()


async def work(settings: Settings) -> None:
    """Work until SIGTERM or SIGINT. Then claim no more runs, let each Terraform end, and hand the other runs over."""
    origin.become(origin.WORKER)
    # One connection for each run, and some for jobs, the heartbeat and the hub.
    database = db.connect(settings.database_url, pool_size=settings.runs_at_once + 10)
    tools = Tools(
        settings=settings,
        database=database,
        catalog=Catalog.load(settings.catalog_file),
        secrets=SecretStore(settings),
        vault=Vault(settings.encryption_keys),
        clock=clock.utc_now,
        roots=Roots(settings, database, clock.utc_now),
        compute=Compute(settings),
        slots=Slots(settings.runs_at_once),
        worker_id=short_id(10),
        host=host_id(settings.data_dir),
    )
    try:
        # A worker that cannot initialise the root would only claim runs to fail them.
        await tools.roots.ready(Root.WORKSTATION)
        await _work(settings, tools)
    finally:
        await database.close()


async def _work(settings: Settings, tools: Tools) -> None:
    hub = Hub(tools.database)
    dispatcher = Dispatcher(tools, hub)
    async with jobs.of_worker(tools).open_async() as queue:
        await _register(tools)
        hub.start()
        tasks = {
            asyncio.create_task(work, name=name)
            for name, work in {
                "runs": dispatcher.dispatch_until_shutdown(),
                "heartbeat": Heartbeat(tools, lambda: dispatcher.run_ids).beat_for_ever(),
                "sweeps": Sweep(tools, lambda: dispatcher.run_ids).sweep_for_ever(),
                "watch": Watch(tools).watch_for_ever(),
                "machines": MachineObserver(tools, MachineLists(settings)).observe_for_ever(),
                "jobs": jobs.run_for_ever(queue, tools.database),
            }.items()
        }
        warm_up = asyncio.create_task(_warm_up(tools), name="warm up")
        _leave_on_signal(tools)
        log.info("worker ready", worker=tools.worker_id, runs_at_once=settings.runs_at_once)
        try:
            # Without its heartbeat the worker would lose its leases unnoticed. So if one task ends, the process ends
            # and is restarted.
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (*tasks, warm_up):
                task.cancel()
            await asyncio.wait({*tasks, warm_up})
            await hub.stop()
            await _unregister(tools)
    for task in tasks:
        with suppress(asyncio.CancelledError):
            task.result()
    log.info("worker ended")


async def _warm_up(tools: Tools) -> None:
    """Prepare what takes a while, so that the first run need not wait for it."""
    await tools.compute.warm_up()
    await ssh.warm_up()
    await tools.roots.ready(Root.SHARED)


def _leave_on_signal(tools: Tools) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, tools.leaving.set)


async def _register(tools: Tools) -> None:
    now = tools.clock()
    worker = Worker(id=tools.worker_id, host=socket.gethostname(), pid=os.getpid(), started_at=now, seen_at=now)
    async with tools.database.sessions.begin() as session:
        session.add(worker)
        # The catalog or the project may have changed since the last worker.
        await inspections.request(session, availability.INSPECTION)


async def _unregister(tools: Tools) -> None:
    async with tools.database.sessions.begin() as session:
        worker = await session.get(Worker, tools.worker_id)
        if worker:
            await session.delete(worker)
