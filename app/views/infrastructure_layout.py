"""Places the parts of the picture: networks side by side on a screen, one below the other on a phone."""

from collections.abc import Sequence
from itertools import pairwise

from app.views.infrastructure_picture import (
    AISLE,
    BOX_HEIGHT,
    CLUSTER,
    GAP,
    GATE,
    HEAD,
    LOW,
    MARGIN,
    NARROW,
    PADDING,
    WIDE,
    Box,
    Frame,
    Link,
    Picture,
    Scene,
)

NARROW_GAP = 24
"""The space between two boxes, which leaves room for an arrow."""


def wide(scene: Scene) -> Picture:
    """The layout for a screen, from left to right: clients, networks, and below them everything outside a network."""
    picture = Picture("wide", WIDE)
    left, top = GATE + AISLE, HEAD
    right = WIDE - PADDING
    bottom = _networks_beside(picture, scene, left + PADDING, top, right)
    if scene.groups:
        bottom = _groups_beside(picture, scene, left + PADDING, bottom + GAP, right)
    picture.height = bottom + PADDING + 1
    picture.frames.append(Frame("outside", "From outside", -MARGIN, top, GATE, 0))
    picture.frames.insert(0, Frame("project", scene.project, left, 0.5, WIDE - left - 0.5, picture.height - 1))
    return picture


def _networks_beside(picture: Picture, scene: Scene, left: float, top: float, right: float) -> float:
    end = right - CLUSTER - AISLE if scene.cluster else right
    rows = max(len(scene.cluster), 2 if scene.mlflow or scene.sql else 1)
    bottom = top + HEAD + rows * (BOX_HEIGHT + GAP) - GAP + PADDING
    picture.frames.append(Frame("network", f"Network {scene.network}", left, top, end - left, bottom - top))
    _shared_network(picture, scene, left + PADDING, top + HEAD, end - left - 2 * PADDING)
    if scene.cluster:
        start, middle = end + AISLE, (top + bottom) / 2
        for row, box in enumerate(scene.cluster):
            picture.put(box, start + PADDING, top + HEAD + row * (BOX_HEIGHT + GAP), CLUSTER - 2 * PADDING)
        title = f"Network {scene.cluster_network}"
        picture.frames.append(Frame("network", title, start, top, CLUSTER, bottom - top))
        picture.links.append(Link("peering", end, middle, start, middle, "peered"))
    return bottom


def _shared_network(picture: Picture, scene: Scene, x: float, y: float, room: float) -> None:
    first = [box for box in (scene.mlflow, scene.sql) if box]
    if first:
        width = (room - AISLE * (len(first) - 1)) / len(first)
        placed = [picture.put(box, x + n * (width + AISLE), y, width) for n, box in enumerate(first)]
        picture.links += [_beside(mlflow, sql) for mlflow, sql in pairwise(placed)]
        if scene.mlflow_gate:
            _gate_beside(picture, scene.mlflow_gate, placed[0])
        y += BOX_HEIGHT + GAP
    _gate_beside(picture, scene.ssh_gate, picture.put(scene.workstations, x, y, room))


def _groups_beside(picture: Picture, scene: Scene, left: float, top: float, right: float) -> float:
    number = sum(len(boxes) for _, boxes in scene.groups)
    frames = len(scene.groups)
    room = right - left - GAP * (frames - 1) - 2 * PADDING * frames - GAP * (number - frames)
    width, x = room / number, left
    for title, boxes in scene.groups:
        for n, box in enumerate(boxes):
            picture.put(box, x + PADDING + n * (width + GAP), top + HEAD, width)
        across = 2 * PADDING + len(boxes) * width + (len(boxes) - 1) * GAP
        picture.frames.append(Frame("group", title, x, top, across, HEAD + BOX_HEIGHT + PADDING))
        x += across + GAP
    return top + HEAD + BOX_HEIGHT + PADDING


def _gate_beside(picture: Picture, gate: Box, box: Box) -> None:
    placed = picture.put(gate, 0.5, box.y, GATE)
    picture.links.append(_beside(placed, box, "gate"))


def _beside(before: Box, after: Box, kind: str = "inside") -> Link:
    return Link(kind, before.x + before.width, before.middle, after.x, after.middle)


def narrow(scene: Scene) -> Picture:
    """The layout for a phone: the same from top to bottom."""
    picture = Picture("narrow", NARROW)
    y = 0.5
    for gate in (scene.mlflow_gate, scene.ssh_gate):
        if gate:
            y = picture.put(gate, 0.5, y, NARROW - 1, LOW).end + GAP
    top = y - GAP + AISLE / 2
    picture.links.append(Link("gate", NARROW / 2, y - GAP, NARROW / 2, top))
    inside = [box for box in (scene.mlflow, scene.sql, scene.workstations) if box]
    y = _column(picture, "network", f"Network {scene.network}", inside, top + HEAD)
    if scene.mlflow and scene.sql:
        mlflow, sql = picture.boxes[-len(inside) :][:2]
        picture.links.append(Link("inside", NARROW / 2, mlflow.end, NARROW / 2, sql.y))
    if scene.cluster:
        picture.links.append(Link("peering", NARROW / 2, y, NARROW / 2, y + AISLE, "peered"))
        y = _column(picture, "network", f"Network {scene.cluster_network}", scene.cluster, y + AISLE)
    for title, boxes in scene.groups:
        y = _column(picture, "group", title, boxes, y + GAP)
    picture.height = y + PADDING + 1
    picture.frames.insert(0, Frame("project", scene.project, 0.5, top, NARROW - 1, picture.height - top - 1))
    return picture


def _column(picture: Picture, kind: str, title: str, boxes: Sequence[Box], top: float) -> float:
    """Add a frame with a column of boxes; returns its lower edge."""
    y, gap = top + HEAD, NARROW_GAP if kind == "network" else GAP
    for box in boxes:
        y = picture.put(box, 2 * PADDING, y, NARROW - 4 * PADDING, BOX_HEIGHT if box.light else LOW).end + gap
    bottom = y - gap + PADDING
    picture.frames.append(Frame(kind, title, PADDING, top, NARROW - 2 * PADDING, bottom - top))
    return bottom
