"""From what a worker saw to what people read."""

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.services import inspections
from app.services.shared import infrastructure_state
from app.services.shared.infrastructure_state import INSPECTION, UNSEEN, Light, PartStates, lights
from tests.app.services.shared.infrastructure_samples import EVERYTHING, NOTHING, outputs
from tests.parts import MovingClock

ALL_WELL = PartStates(machine="RUNNING", answers=True, database="RUNNABLE", cluster="RUNNING")


def test_what_is_not_there_has_no_light() -> None:
    assert lights(NOTHING, ALL_WELL) == {}
    assert lights(outputs("sql"), ALL_WELL) == {"sql": Light("ok", "Running")}
    assert {light.word for light in lights(EVERYTHING, ALL_WELL).values()} == {"Running"}


@pytest.mark.parametrize(
    ("machine", "answers", "tone", "word"),
    [
        ("RUNNING", True, "ok", "Running"),
        (UNSEEN, True, "ok", "Running"),
        ("RUNNING", False, "warn", "Not responding"),
        ("RUNNING", None, "ok", "Machine running"),
        ("STAGING", False, "busy", "Starting"),
        ("TERMINATED", False, "bad", "Stopped"),
        ("SOMETHING_NEW", False, "idle", "Something new"),
        (UNSEEN, False, "idle", "Unknown"),
        (None, False, "bad", "Not found"),
    ],
)
def test_mlflow_runs_where_it_answers(machine: str | None, answers: bool | None, tone: str, word: str) -> None:
    light = lights(outputs("mlflow"), PartStates(machine=machine, answers=answers))["mlflow"]
    assert (light.tone, light.word) == (tone, word)


@pytest.mark.parametrize(
    ("state", "tone"),
    [("RUNNABLE", "ok"), ("STOPPED", "bad"), ("MAINTENANCE", "warn"), ("PENDING_CREATE", "busy"), (None, "bad")],
)
def test_a_database_as_google_calls_it(state: str | None, tone: str) -> None:
    assert lights(outputs("sql"), PartStates(database=state))["sql"].tone == tone


@pytest.mark.parametrize(
    ("state", "tone"),
    [("RUNNING", "ok"), ("RECONCILING", "busy"), ("DEGRADED", "warn"), ("ERROR", "bad"), (None, "bad")],
)
def test_a_cluster_as_google_calls_it(state: str | None, tone: str) -> None:
    assert lights(outputs("kubernetes"), PartStates(cluster=state))["kubernetes"].tone == tone


@pytest.mark.anyio
async def test_lights_are_kept_and_get_stale(session: AsyncSession, clock: MovingClock) -> None:
    assert infrastructure_state.lights_of(await inspections.read(session, INSPECTION)) == {}
    await infrastructure_state.keep(session, EVERYTHING, ALL_WELL, clock())
    kept = await inspections.read(session, INSPECTION)
    assert kept is not None
    assert infrastructure_state.lights_of(kept) == lights(EVERYTHING, ALL_WELL)
    assert not infrastructure_state.is_stale(kept, clock.advance(minutes=15))
    assert infrastructure_state.is_stale(kept, clock.advance(seconds=1))
