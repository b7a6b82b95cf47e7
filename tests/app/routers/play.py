"""Play the worker: change a run and its workstation as it would, in a transaction of its own."""

import re
from collections.abc import Callable

import httpx2
from fastapi import FastAPI
from sqlalchemy import text

from app.models import LogLevel, LogLine, Run, Workstation
from app.services import runs
from app.services.keys import machine_keys
from app.services.terraform import plans

HOST_KEY = "AAAAC3NzaC1lZDI1NTE5AAAAIJz1Qn8uFTb9bX0p0Y0n1p0sXQ0v8Q7Yl6m0f0l3c1aB"
STOCK_OUT = "Error: The zone 'europe-west4-a' does not have enough resources available. ZONE_RESOURCE_POOL_EXHAUSTED"

Change = Callable[[Run, Workstation], None]


async def create(browser: httpx2.AsyncClient, **fields: str) -> str:
    """Ask for a workstation through the form; returns its id."""
    response = await browser.post("/workstations", data={"name": "dev-1", "machine_type": "e2-standard-4", **fields})
    assert response.status_code == 303, response.text
    return str(response.headers["location"]).rpartition("/")[2]


async def run_of(browser: httpx2.AsyncClient, workstation_id: str) -> str:
    """The id of the newest run, as the workstation's page links to it."""
    page = await browser.get(f"/workstations/{workstation_id}")
    return str(re.findall(r"/runs/(\w+)", page.text)[0])


async def change(app: FastAPI, run_id: str, what: Change, *lines: str, level: LogLevel = LogLevel.INFO) -> None:
    """Apply a change, write log lines, and signal."""
    portal = app.state.portal
    async with portal.database.sessions.begin() as session:
        run = await session.get_one(Run, run_id)
        what(run, await session.get_one(Workstation, run.stack_id))
        for message in lines:
            run.log_seq += 1
            session.add(
                LogLine(run_id=run.id, seq=run.log_seq, at=portal.clock(), level=level, step="apply", message=message)
            )
        await runs.announce(session, run)


async def write_lines(app: FastAPI, run_id: str, number: int) -> None:
    """So many lines at once, "line 1" and so on by their number in the log."""
    portal = app.state.portal
    async with portal.database.sessions.begin() as session:
        run = await session.get_one(Run, run_id, with_for_update=True)
        of_series = text(
            "INSERT INTO log_lines (run_id, seq, at, level, step, message) "
            "SELECT :run_id, seq, :at, 'info', 'apply', 'line ' || seq FROM generate_series(:first, :last) AS seq"
        )
        first, last = run.log_seq + 1, run.log_seq + number
        await session.execute(of_series, {"run_id": run_id, "at": portal.clock(), "first": first, "last": last})
        run.log_seq = last
        await runs.announce(session, run)


async def claim(app: FastAPI, run_id: str) -> None:
    """A worker takes it."""
    now = app.state.portal.clock()
    async with app.state.portal.database.sessions.begin() as session:
        await machine_keys.bind(session, await session.get_one(Run, run_id))

    def claimed(run: Run, workstation: Workstation) -> None:
        run.claim("a-worker", "a-host", now)
        workstation.begin(run)

    await change(app, run_id, claimed, "Claimed")


async def make_run(app: FastAPI, run_id: str) -> None:
    """It is built, and answers."""
    now = app.state.portal.clock()
    await claim(app, run_id)

    def running(run: Run, workstation: Workstation) -> None:
        run.begin_apply(now)
        run.succeed(now)
        workstation.become_running("127.70.1.2", {"ssh-ed25519": HOST_KEY}, now)

    await change(app, run_id, running, "Ready")


async def apply(app: FastAPI, run_id: str) -> None:
    """Terraform changes things."""
    await claim(app, run_id)
    await change(app, run_id, lambda run, _: run.begin_apply(run.created_at))


async def check(browser: httpx2.AsyncClient, workstation_id: str) -> str:
    """Ask for the same machine once more; returns the run's id."""
    answer = await browser.post(f"/workstations/{workstation_id}/restore")
    return str(answer.headers["location"]).rpartition("/")[2]


async def fail(app: FastAPI, run_id: str, error: str = STOCK_OUT) -> None:
    """It is not built."""
    now = app.state.portal.clock()
    await claim(app, run_id)

    def failed(run: Run, workstation: Workstation) -> None:
        run.begin_apply(now)
        run.fail(error, now)
        workstation.become_failed()

    await change(app, run_id, failed, error, level=LogLevel.ERROR)


DISK = "module.compute_configure.google_compute_disk.data"
PLANNED = {
    "changes": [
        {
            "address": DISK,
            "type": "google_compute_disk",
            "name": "data",
            "action": "replace",
            "imported": False,
            "reason": "it cannot be changed in place",
            "attributes": [
                {"path": "size", "before": "100", "after": "50", "note": "forces replacement"},
                {"path": "labels.key", "before": "(sensitive)", "after": "(sensitive)", "note": "sensitive"},
                {"path": "id", "before": "disks/1", "after": None, "note": "known after apply"},
            ],
        },
        {
            "address": "module.compute[0].google_compute_instance.workstation",
            "type": "google_compute_instance",
            "name": "workstation",
            "action": "update",
            "imported": True,
            "reason": None,
            "attributes": [{"path": "labels.<b>", "before": None, "after": "<i>new</i>", "note": None}],
        },
    ],
    "outputs": [],
}


async def await_approval(app: FastAPI, run_id: str) -> None:
    """Its plan would lose the disk, and is shown to whoever decides."""
    portal = app.state.portal
    await claim(app, run_id)
    async with portal.database.sessions.begin() as session:
        await plans.keep(session, portal.vault, run_id, PLANNED, portal.clock(), b"the plan's file")

    def waiting(run: Run, workstation: Workstation) -> None:
        lost = {"address": DISK, "action": "replace", "name": workstation.disk_name}
        run.await_approval([lost], portal.clock())
        workstation.restore_status(portal.clock())

    await change(app, run_id, waiting, "This would delete the data disk. Waiting for approval.", level=LogLevel.WARN)
