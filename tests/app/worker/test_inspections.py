"""What a worker sees of an emulated cloud, and keeps."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from app.infra.google import Compute
from app.models import Inspection
from app.services.shared import infrastructure_state, shared_stack
from app.services.shared.infrastructure_state import INSPECTION, UNSEEN, PartStates
from app.worker.claim import Tools
from app.worker.inspections import take
from app.worker.observe_shared import observe
from tests.app.services.shared.infrastructure_samples import NOTHING
from tests.emulator.world import IN_ZONE, PROJECT, REGION, ZONE, World, is_listening, nat_ip, until
from tests.emulator_process import start_emulator

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("emulated-infrastructure")]
OUTPUTS = {
    **NOTHING,
    "mlflow_instance_name": "mlflow-vision",
    "mlflow_zone": ZONE,
    "sql_instance_name": "postgres-vision",
    "kubernetes_cluster_name": "pods",
    "kubernetes_location": REGION,
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    emulator = start_emulator(tmp_path_factory.mktemp("cloud"))
    yield World(emulator)
    emulator.stop()


@pytest.fixture(scope="module")
def outputs(world: World) -> dict[str, object]:
    """Of a stack whose MLflow lets nobody in."""
    machine = world.instance("mlflow-vision", tags=["mlflow-server"])
    sql, pods = f"projects/{PROJECT}/instances/postgres-vision", f"projects/{PROJECT}/locations/{REGION}/clusters/pods"
    world.create("google_sql_database_instance", sql, {"name": "postgres-vision"})
    world.create("google_container_cluster", pods, {"name": "pods", "location": REGION})
    address = nat_ip(world.read("google_compute_instance", machine))
    until(lambda: is_listening(address, 5000))
    return {**OUTPUTS, "mlflow_url": f"http://{address}:5000"}


@pytest.fixture
def beside(tools: Tools, world: World) -> Iterator[Tools]:
    """A worker of that cloud."""
    cloud = {"google_project": PROJECT, "compute_endpoint": world.emulator.url, "google_endpoint": world.emulator.url}
    settings = tools.settings.model_copy(update=cloud)
    yield replace(tools, settings=settings, compute=Compute(settings))
    world.emulator.clear_faults()


async def test_all_that_runs_is_seen(beside: Tools, outputs: dict[str, object]) -> None:
    seen = await observe(outputs, beside.settings, beside.compute)
    assert seen == PartStates("RUNNING", answers=None, database="RUNNABLE", cluster="RUNNING")


async def test_mlflow_answers_once_its_firewall_lets_the_worker_in(
    beside: Tools, world: World, outputs: dict[str, object]
) -> None:
    rule = f"projects/{PROJECT}/global/firewalls/to-mlflow"
    allow = [{"protocol": "tcp", "ports": ["5000"]}]
    state = {"network": "default", "target_tags": ["mlflow-server"], "source_ranges": ["127.0.0.0/8"], "allow": allow}
    world.create("google_compute_firewall", rule, state)
    assert (await observe(outputs, beside.settings, beside.compute)).answers is True
    world.delete("google_compute_firewall", rule)


async def test_what_is_not_there_is_told_from_what_google_does_not_tell(beside: Tools, world: World) -> None:
    gone = {**OUTPUTS, "mlflow_instance_name": "gone", "mlflow_url": "http://127.0.0.1:9"}
    gone |= {"sql_instance_name": "gone", "kubernetes_cluster_name": "gone"}
    assert await observe(gone, beside.settings, beside.compute) == PartStates(answers=False)
    world.emulator.fault(type="project", status=403, message="worker@x may not", times=2)
    with capture_logs() as logs:
        seen = await observe({**gone, "mlflow_instance_name": None}, beside.settings, beside.compute)
    assert (seen.database, seen.cluster) == (UNSEEN, UNSEEN)
    assert [entry["part"] for entry in logs] == ["sql", "kubernetes"]


async def test_what_is_seen_is_kept_for_the_page(beside: Tools, world: World, outputs: dict[str, object]) -> None:
    async with beside.database.sessions.begin() as session:
        stack = await shared_stack.find(beside.context(session))
        stack.become_ready({**outputs, "mlflow_url": "http://127.0.0.1:9"}, beside.clock())
    world.operation_done(world.rest(f"{IN_ZONE}/instances/mlflow-vision/stop", "POST"))
    await take(beside, INSPECTION)
    async with beside.database.sessions() as session:
        kept = await session.get_one(Inspection, INSPECTION)
    words = {part: light.word for part, light in infrastructure_state.lights_of(kept).items()}
    assert words == {"mlflow": "Stopped", "sql": "Running", "kubernetes": "Running"}
    assert kept.taken_at == beside.clock()


async def test_a_name_of_a_newer_release_is_passed_over(beside: Tools) -> None:
    with capture_logs() as logs:
        await take(beside, "weather")
    assert [entry["inspection"] for entry in logs] == ["weather"]
    async with beside.database.sessions() as session:
        assert await session.get(Inspection, "weather") is None
