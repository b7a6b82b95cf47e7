"""The picture of the infrastructure: its boxes, frames and links with their positions.

Units are SVG units, which are CSS pixels at the width of the layout.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from app.services.shared.infrastructure import Surroundings
from app.services.shared.infrastructure_state import NOT_LOOKED, Light, Outputs

PADDING, HEAD, GAP, BOX_HEIGHT, LOW = 14, 34, 14, 82, 58
"""Distances within a frame, above its first box and between boxes, and heights of boxes with and without a status."""
GATE, AISLE, CLUSTER, WIDE, NARROW = 196, 56, 232, 1096, 328
"""Widths: of clients, of the gate, of the cluster's network, and of the two layouts."""
MARGIN, LETTER, BOLD_LETTER = 12, 6.8, 8.2
"""The space around a text, and the average widths of letters in names and titles."""


def _shortened(text: str, width: float, letter: float = LETTER) -> str:
    room = int((width - 2 * MARGIN) / letter)
    return text if len(text) <= room else f"{text[: room - 1]}…"


@dataclass(frozen=True)
class Box:
    """A box for one part."""

    part: str
    """The section of the page about it; empty if there is none."""
    title: str
    name: str
    light: Light | None = None
    is_gate: bool = False
    """Whether it stands for the clients outside the firewall."""
    x: float = 0
    y: float = 0
    width: float = 0
    height: float = BOX_HEIGHT

    @property
    def short_name(self) -> str:
        """The name, shortened to fit the box."""
        return _shortened(self.name, self.width)

    @property
    def end(self) -> float:
        """The lower edge."""
        return self.y + self.height

    @property
    def middle(self) -> float:
        """The vertical centre."""
        return self.y + self.height / 2

    @property
    def words(self) -> str:
        """The text for screen readers."""
        return ": ".join(filter(None, (self.title, self.name, self.light.word if self.light else "")))


@dataclass(frozen=True)
class Frame:
    """A frame around boxes."""

    kind: str
    """How it is drawn: outside, project, network or group."""
    title: str
    x: float
    y: float
    width: float
    height: float

    @property
    def short_title(self) -> str:
        """The title, shortened to fit the frame."""
        return _shortened(self.title, self.width, BOLD_LETTER)


@dataclass(frozen=True)
class Link:
    """A link between two boxes."""

    kind: str
    """How it is drawn: gate (through a firewall), inside, or peering (both ways)."""
    x1: float
    y1: float
    x2: float
    y2: float
    label: str = ""

    @property
    def middle(self) -> tuple[float, float]:
        """The position of its label."""
        return (self.x1 + self.x2) / 2, (self.y1 + self.y2) / 2


@dataclass
class Picture:
    """A picture with all positions."""

    name: str
    width: float
    height: float = 0
    frames: list[Frame] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)

    def put(self, box: Box, x: float, y: float, width: float, height: float = BOX_HEIGHT) -> Box:
        """Add a box at this position."""
        placed = replace(box, x=x, y=y, width=width, height=height)
        self.boxes.append(placed)
        return placed


@dataclass(frozen=True)
class Scene:
    """The parts to draw."""

    project: str
    network: str
    cluster_network: str
    workstations: Box
    ssh_gate: Box
    mlflow: Box | None
    mlflow_gate: Box | None
    sql: Box | None
    cluster: Sequence[Box]
    groups: Sequence[tuple[str, Sequence[Box]]]

    @property
    def description(self) -> str:
        """The picture in words."""
        inside = [box for box in (self.mlflow, self.sql, self.workstations) if box]
        sentences = [f"In the network {self.network}: {'; '.join(box.words for box in inside)}."]
        if self.cluster:
            sentences.append(f"Peered network: {'; '.join(box.words for box in self.cluster)}.")
        sentences += [f"{title}: {'; '.join(box.words for box in boxes)}." for title, boxes in self.groups]
        gates = [box for box in (self.mlflow_gate, self.ssh_gate) if box]
        return " ".join([*sentences, f"Allowed from outside: {'; '.join(box.words for box in gates)}."])


def scene(outputs: Outputs, around: Surroundings, lights: dict[str, Light]) -> Scene:
    """The scene for these outputs. A part without a known status says so."""

    def box(output: str, part: str, title: str, *, shines: bool = False) -> Box | None:
        light = lights.get(part, NOT_LOOKED) if shines else None
        return Box(part, title, str(outputs[output]), light) if outputs.get(output) else None

    cluster = box("kubernetes_cluster_name", "kubernetes", "Kubernetes", shines=True)
    pods = box("pods_ip_range", "kubernetes", "Pods")
    mlflow = box("mlflow_instance_name", "mlflow", "MLflow", shines=True)
    registries = (
        box("docker_registry_name", "docker", "Docker"),
        box("pypi_registry_name", "pypi", "Python"),
    )
    buckets = (
        box("data_bucket_name", "storage", "Data"),
        box("evaluation_bucket_name", "storage", "Evaluation"),
        box("mlflow_bucket_name", "mlflow", "Artifacts"),
    )
    grouped = {"Registries": [each for each in registries if each], "Buckets": [each for each in buckets if each]}
    ranges = around.ssh_ranges
    more = f" + {len(ranges)} range{'s' if len(ranges) > 1 else ''}" if ranges else ""
    return Scene(
        project=f"Project {outputs.get('project')} · {outputs.get('region')}",
        network=around.network,
        cluster_network=str(outputs.get("kubernetes_network_name")),
        workstations=Box("network", "Workstations", around.in_words),
        ssh_gate=Box("network", "SSH, port 22", f"Google's proxy{more}", is_gate=True),
        mlflow=mlflow,
        mlflow_gate=Box("network", "MLflow, port 5000", around.allowed_in_words, is_gate=True) if mlflow else None,
        sql=box("sql_instance_name", "sql", "Cloud SQL", shines=True),
        cluster=[each for each in (cluster, pods) if each],
        groups=[(title, boxes) for title, boxes in grouped.items() if boxes],
    )
