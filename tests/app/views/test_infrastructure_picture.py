"""The picture: which boxes there are, and what they say. That they have their places is seen in a browser."""

import pytest

from app.services.shared.infrastructure_state import Light
from app.views.infrastructure_picture import Box, Picture, picture
from tests.app.services.shared.infrastructure_samples import AROUND, EVERYTHING, NOTHING, OF_PART, outputs

LIGHTS = {"mlflow": Light("ok", "Running"), "sql": Light("bad", "Stopped")}
TITLES = {
    "mlflow": {"MLflow", "MLflow, port 5000", "Artifacts"},
    "docker": {"Docker"},
    "pypi": {"Python"},
    "storage": {"Data", "Evaluation"},
    "sql": {"Cloud SQL"},
    "kubernetes": {"Kubernetes", "Pods"},
}


def boxes(seen: Picture) -> list[Box]:
    services = [seen.workstations, seen.ssh_gate, seen.mlflow, seen.mlflow_gate, seen.sql, *seen.cluster]
    return [box for box in services if box] + [box for _, group in seen.groups for box in group]


@pytest.mark.parametrize("key", OF_PART)
def test_a_part_has_its_boxes(key: str) -> None:
    seen = picture(outputs(key), AROUND, LIGHTS)
    assert {box.title for box in boxes(seen)} == {"Workstations", "SSH, port 22"} | TITLES[key]


def test_without_parts_there_are_the_workstations_and_their_network() -> None:
    seen = picture(NOTHING, AROUND, LIGHTS)
    assert [box.title for box in boxes(seen)] == ["Workstations", "SSH, port 22"]
    assert (seen.project, seen.network, seen.groups) == ("Project ml-team · europe-west1", "Network default", [])


def test_states_are_seen() -> None:
    seen = picture(EVERYTHING, AROUND, LIGHTS)
    assert {box.title: box.light.word for box in boxes(seen) if box.light} == {
        "MLflow": "Running",
        "Cloud SQL": "Stopped",
        "Kubernetes": "Not checked yet",
    }
    assert seen.ssh_gate.name == "Google's proxy + 1 range"
