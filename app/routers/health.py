"""For machines that watch: alive, ready, and numbers."""

import psycopg
from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, Gauge, generate_latest
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool

from app import migrate
from app.deps import PortalDep, SessionDep
from app.services.runs import counts
from app.services.workstations import observations

router = APIRouter()


@router.get("/healthz")
async def healthz() -> PlainTextResponse:
    """This process answers."""
    return PlainTextResponse("alive\n")


@router.get("/readyz")
async def readyz(portal: PortalDep) -> JSONResponse:
    """The database answers and has this release's tables, and a worker is alive."""
    checks = {"database": False, "migrations": False, "worker": False}
    try:
        async with portal.database.transaction() as session:
            checks["worker"] = await counts.has_live_worker(session, portal.clock())
            checks["database"] = True
        checks["migrations"] = await run_in_threadpool(migrate.is_current, portal.settings.database_url)
    except (SQLAlchemyError, psycopg.OperationalError):
        checks["database"] = False
    return JSONResponse({"ready": all(checks.values()), **checks}, status_code=200 if all(checks.values()) else 503)


@router.get("/metrics")
async def metrics(portal: PortalDep, session: SessionDep) -> Response:
    """Prometheus: this process's requests, and the fleet's state as the database has it."""
    registry = CollectorRegistry()
    runs = Gauge("stationmaster_runs", "Runs by status.", ["status"], registry=registry)
    for status, count in (await counts.runs_by_status(session)).items():
        runs.labels(status).set(count)
    workstations = Gauge("stationmaster_workstations", "Workstations by status.", ["status"], registry=registry)
    for name, count in (await counts.workstations_by_status(session)).items():
        workstations.labels(name).set(count)
    health = Gauge("stationmaster_machines_health", "Running machines by health.", ["level"], registry=registry)
    for level, count in (await counts.running_by_health(session)).items():
        health.labels(level).set(count)
    workers = Gauge("stationmaster_workers_alive", "Workers with a recent heartbeat.", registry=registry)
    workers.set(await counts.live_workers(session, portal.clock()))
    free = Gauge("stationmaster_worker_free_bytes", "Free disk space of a host's workers.", ["host"], registry=registry)
    for host, count in (await counts.free_bytes_by_host(session, portal.clock())).items():
        free.labels(host).set(count)
    if known_at := (await observations.watch(session)).known_at:
        age = Gauge("stationmaster_machines_age_seconds", "Since Google said how all machines are.", registry=registry)
        age.set((portal.clock() - known_at).total_seconds())
    return Response(generate_latest(REGISTRY) + generate_latest(registry), media_type=CONTENT_TYPE_LATEST)
