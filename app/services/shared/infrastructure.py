"""The shared infrastructure as members see it: its parts, and the network around them."""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from app.config import Settings
from app.infra.zones import region_of
from app.models import Member, SharedStack, WorkstationStatus
from app.services.runs import counts
from app.services.shared import infrastructure_lines as lines
from app.services.shared import shared_settings, shared_stack
from app.services.shared.infrastructure_parts import OTHERS, Part, Reader, Snippet, facts, mlflow, mlflow_elsewhere
from app.services.shared.infrastructure_state import Outputs

IAP = "Google's proxy (IAP)"


@dataclass(frozen=True)
class Surroundings:
    """What is not in Terraform's outputs: existing networks, allowed IPs, the number of machines."""

    network: str
    ssh_ranges: tuple[str, ...]
    """Ranges that may use SSH, besides Google's proxy."""
    allowed_ips: int
    """How many ranges the firewall allows to reach MLflow."""
    workstations: int
    running: int

    @property
    def in_words(self) -> str:
        """The workstations in words."""
        return f"{self.running} of {self.workstations} running" if self.workstations else "No machines"

    @property
    def allowed_in_words(self) -> str:
        """The allowed IPs in words, without their owners."""
        return f"{self.allowed_ips or 'No'} address{'' if self.allowed_ips == 1 else 'es'} allowed"


def viewer(stack: SharedStack | None, member: Member, settings: Settings) -> Reader:
    """The viewer for a member."""
    outputs = stack.outputs if stack else {}
    is_known = member.account_name in (outputs.get("member_service_account_emails") or {})
    is_iam_admin = f"user:{member.email}" in (outputs.get("iam_admins") or [])
    return Reader(
        email=member.email,
        ssh_username=member.ssh_username,
        service_account=shared_stack.service_account_of(stack, member, settings),
        may_impersonate=is_known or is_iam_admin,
    )


async def surroundings(session: AsyncSession, stack: SharedStack | None, settings: Settings) -> Surroundings:
    """The surroundings, with the shared stack as applied last and the current workstations."""
    numbers = await counts.workstations_by_status(session)
    there = {status: number for status, number in numbers.items() if status is not WorkstationStatus.DESTROYED}
    return Surroundings(
        network=settings.network,
        ssh_ranges=tuple(shared_settings.of(stack, settings).ssh_allowed_ips) if stack else (),
        allowed_ips=len(stack.allowed_ips) if stack else 0,
        workstations=sum(there.values()),
        running=there.get(WorkstationStatus.RUNNING, 0),
    )


def mlflow_url(stack: SharedStack | None, settings: Settings) -> str:
    """The URL of MLflow: the shared stack's or the one in the settings; empty if there is none."""
    return str((stack.outputs if stack else {}).get("mlflow_url") or settings.mlflow_url)


def parts(outputs: Outputs, who: Reader, around: Surroundings, settings: Settings) -> list[Part]:
    """All parts, preceded by the set-up of Google's command line."""
    found = [
        mlflow(outputs, who) or mlflow_elsewhere(settings),
        *(make(outputs, who) for make in OTHERS),
        _access(outputs, who, around),
        gcloud(outputs, who, settings),
    ]
    return [part for part in found if part]


def _access(outputs: Outputs, who: Reader, around: Surroundings) -> Part | None:
    if not outputs.get("ssh_firewall_name"):
        return None
    shown = facts(
        ("network", "Network", around.network),
        ("workstations", "Workstations", around.in_words),
        ("ssh_username", "Your SSH username", who.ssh_username),
        ("workstation_service_account", "Service account of your workstations", who.service_account),
        ("ssh_allowed_ips", "SSH allowed from", ", ".join((IAP, *around.ssh_ranges))),
        ("ssh_firewall_name", "SSH firewall rule", outputs.get("ssh_firewall_name")),
        ("mlflow_allowed_ips", "MLflow allowed from", around.allowed_in_words if outputs.get("mlflow_url") else ""),
        ("mlflow_firewall_names", "MLflow firewall rules", ", ".join(outputs.get("mlflow_firewall_names") or [])),
    )
    purpose = "Network access to machines, and the service account they use."
    return Part("network", "Workstations and network", "network", purpose, shown, ())


def gcloud(outputs: Outputs, who: Reader, settings: Settings) -> Part:
    """How to set up Google's command line for this project."""
    project = settings.google_project
    zone = str(outputs.get("mlflow_zone") or settings.default_zone)
    region = str(outputs.get("region") or region_of(zone))
    return Part(
        "gcloud",
        "gcloud",
        "terminal",
        "Google Cloud CLI, configured for this project.",
        facts(("project", "Project", project), ("region", "Region", region), ("zone", "Zone", zone)),
        (
            Snippet("First-time setup", lines.gcloud(project, who.email, region, zone)),
            Snippet(
                "Switch back to this project", f"gcloud config configurations activate {lines.configuration(project)}"
            ),
        ),
    )
