"""The infrastructure as a picture: which boxes there are, in which network or group. The style sheet places them."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.services.shared.infrastructure import Surroundings
from app.services.shared.infrastructure_state import NOT_LOOKED, Light, Outputs


@dataclass(frozen=True)
class Box:
    """One resource, or one rule of the firewall."""

    part: str
    """The part of the page that tells more."""
    title: str
    name: str
    light: Light | None = None


@dataclass(frozen=True)
class Picture:
    """The project, its networks, and who is let in from outside."""

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
    """Resources in no network, by what they are."""


def picture(outputs: Outputs, around: Surroundings, lights: dict[str, Light]) -> Picture:
    """What the shared stack has deployed. A part that nobody has looked at yet has a light that says so."""

    def box(output: str, part: str, title: str, *, shines: bool = False) -> Box | None:
        light = lights.get(part, NOT_LOOKED) if shines else None
        return Box(part, title, str(outputs[output]), light) if outputs.get(output) else None

    mlflow = box("mlflow_instance_name", "mlflow", "MLflow", shines=True)
    cluster = (
        box("kubernetes_cluster_name", "kubernetes", "Kubernetes", shines=True),
        box("pods_ip_range", "kubernetes", "Pods"),
    )
    groups = {
        "Registries": (
            box("docker_registry_name", "docker", "Docker"),
            box("pypi_registry_name", "pypi", "Python"),
        ),
        "Buckets": (
            box("data_bucket_name", "storage", "Data"),
            box("evaluation_bucket_name", "storage", "Evaluation"),
            box("mlflow_bucket_name", "mlflow", "Artifacts"),
        ),
    }
    there = [(title, [each for each in boxes if each]) for title, boxes in groups.items()]
    ranges = len(around.ssh_ranges)
    more = f" + {ranges} range{'s' if ranges > 1 else ''}" if ranges else ""
    return Picture(
        project=f"Project {outputs.get('project')} · {outputs.get('region')}",
        network=f"Network {around.network}",
        cluster_network=f"Network {outputs.get('kubernetes_network_name')}",
        workstations=Box("network", "Workstations", around.in_words),
        ssh_gate=Box("network", "SSH, port 22", f"Google's proxy{more}"),
        mlflow=mlflow,
        mlflow_gate=Box("network", "MLflow, port 5000", around.allowed_in_words) if mlflow else None,
        sql=box("sql_instance_name", "sql", "Cloud SQL", shines=True),
        cluster=[each for each in cluster if each],
        groups=[(title, boxes) for title, boxes in there if boxes],
    )
