"""Looking at how the shared infrastructure is doing. Nothing is changed."""

from collections.abc import Awaitable

import structlog

from app.config import Settings
from app.infra import mlflow
from app.infra.google import Compute
from app.infra.google_project import GoogleProject
from app.services.shared.infrastructure_state import UNSEEN, Outputs, PartStates
from app.worker.errors import GOOGLE_ERRORS

log = structlog.get_logger()


async def observe(outputs: Outputs, settings: Settings, compute: Compute) -> PartStates:
    """What of the outputs is there, and how. What cannot be seen is UNSEEN, and never raises."""
    google, sighting = GoogleProject(settings), PartStates()
    if outputs.get("mlflow_instance_name"):
        status = _status(compute, outputs["mlflow_zone"], outputs["mlflow_instance_name"])
        sighting.machine = await _seen("mlflow", status)
        sighting.answers = await mlflow.answers(outputs["mlflow_url"])
    if outputs.get("sql_instance_name"):
        sighting.database = await _seen("sql", google.sql_state(outputs["sql_instance_name"]))
    if outputs.get("kubernetes_cluster_name"):
        seen = google.cluster_status(outputs["kubernetes_location"], outputs["kubernetes_cluster_name"])
        sighting.cluster = await _seen("kubernetes", seen)
    return sighting


async def _status(compute: Compute, zone: str, instance: str) -> str | None:
    machine = await compute.machine(zone, instance)
    return machine.status if machine else None


async def _seen(part: str, answer: Awaitable[str | None]) -> str | None:
    try:
        return await answer
    except GOOGLE_ERRORS as error:
        # Not for the page: it is everybody's, and Google's text names accounts and permissions.
        log.warning("the status at Google could not be read", part=part, error=str(error))
        return UNSEEN
