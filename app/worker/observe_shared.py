"""Reads the status of the shared infrastructure from Google. Nothing is changed."""

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
    """The states of the parts in the outputs. Never raises: what cannot be read is UNSEEN."""
    google, states = GoogleProject(settings), PartStates()
    if outputs.get("mlflow_instance_name"):
        status = _status(compute, outputs["mlflow_zone"], outputs["mlflow_instance_name"])
        states.machine = await _seen("mlflow", status)
        states.answers = await mlflow.answers(outputs["mlflow_url"])
    if outputs.get("sql_instance_name"):
        states.database = await _seen("sql", google.sql_state(outputs["sql_instance_name"]))
    if outputs.get("kubernetes_cluster_name"):
        seen = google.cluster_status(outputs["kubernetes_location"], outputs["kubernetes_cluster_name"])
        states.cluster = await _seen("kubernetes", seen)
    return states


async def _status(compute: Compute, zone: str, instance: str) -> str | None:
    machine = await compute.machine(zone, instance)
    return machine.status if machine else None


async def _seen(part: str, answer: Awaitable[str | None]) -> str | None:
    try:
        return await answer
    except GOOGLE_ERRORS as error:
        # Not for the page: all members see it, and Google's text contains accounts and permissions.
        log.warning("the status at Google could not be read", part=part, error=str(error))
        return UNSEEN
