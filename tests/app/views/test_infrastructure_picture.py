"""The picture: what is there is in it, inside the frames, and nothing covers anything else."""

from itertools import combinations

import pytest

from app.services.shared.infrastructure_state import Light
from app.views.infrastructure_layout import narrow, wide
from app.views.infrastructure_picture import Box, Frame, Picture, scene
from tests.app.services.shared.infrastructure_samples import AROUND, EVERYTHING, NOTHING, OF_PART, outputs

LIGHTS = {"mlflow": Light("ok", "Running"), "sql": Light("bad", "Stopped")}
STACKS = [NOTHING, EVERYTHING, *(outputs(key) for key in OF_PART), outputs("mlflow", "kubernetes")]
TITLES = {
    "mlflow": {"MLflow", "MLflow, port 5000", "Artifacts"},
    "docker": {"Docker"},
    "pypi": {"Python"},
    "storage": {"Data", "Evaluation"},
    "sql": {"Cloud SQL"},
    "kubernetes": {"Kubernetes", "Pods"},
}


def drawn(found: dict[str, object]) -> list[Picture]:
    seen = scene(found, AROUND, LIGHTS)
    return [wide(seen), narrow(seen)]


def cover(one: Box, other: Box) -> bool:
    beside = one.x + one.width <= other.x or other.x + other.width <= one.x
    return not beside and one.y < other.end and other.y < one.end


def holds(frame: Frame, box: Box) -> bool:
    across = frame.x < box.x and box.x + box.width < frame.x + frame.width
    return across and frame.y < box.y and box.end < frame.y + frame.height


@pytest.mark.parametrize("key", OF_PART)
def test_a_part_is_drawn_where_it_is(key: str) -> None:
    for picture in drawn(outputs(key)):
        assert {box.title for box in picture.boxes} == {"Workstations", "SSH, port 22"} | TITLES[key]


@pytest.mark.parametrize("found", STACKS)
def test_everything_has_its_place(found: dict[str, object]) -> None:
    for picture in drawn(found):
        project, *inner = [frame for frame in picture.frames if frame.kind != "outside"]
        assert project.kind == "project"
        things: list[Box | Frame] = [*picture.boxes, *picture.frames]
        for thing in things:
            assert thing.y + thing.height <= picture.height
            assert thing.width > 0
        for box in picture.boxes:
            assert 0 <= box.x <= box.x + box.width <= picture.width
            holders = [
                f for f in inner if f.x < box.x < box.x + box.width < f.x + f.width and f.y < box.y < f.y + f.height
            ]
            assert len(holders) == (0 if box.is_gate else 1), box
        assert not [pair for pair in combinations(picture.boxes, 2) if cover(*pair)]
        for link in picture.links:
            assert (link.x1 == link.x2) != (link.y1 == link.y2)


def test_states_are_seen_and_told() -> None:
    seen = scene(EVERYTHING, AROUND, LIGHTS)
    words = {box.title: box.light.word for box in wide(seen).boxes if box.light}
    assert words == {"MLflow": "Running", "Cloud SQL": "Stopped", "Kubernetes": "Not checked yet"}
    assert "Cloud SQL: postgres-vision: Stopped" in seen.description
    assert "SSH, port 22: Google's proxy + 1 range" in seen.description


def test_long_names_are_cut_and_told_in_full() -> None:
    seen = scene({**EVERYTHING, "mlflow_bucket_name": "mlflow-artifacts-of-a-long-name"}, AROUND, {})
    [box] = [box for box in wide(seen).boxes if box.title == "Artifacts"]
    assert box.short_name.endswith("…")
    assert "mlflow-artifacts-of-a-long-name" in box.words
