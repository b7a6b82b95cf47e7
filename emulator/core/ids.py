"""IDs of resources, such as projects/P/zones/Z/instances/N, and Google's links to them."""

import re
from dataclasses import dataclass

API = "https://www.googleapis.com/compute/v1/"

INSTANCE = "google_compute_instance"
DISK = "google_compute_disk"
ADDRESS = "google_compute_address"
ATTACHMENT = "google_compute_attached_disk"
SNAPSHOT = "google_compute_snapshot"
SECRET = "google_secret_manager_secret"  # noqa: S105 - the name of a Terraform type
SECRET_VERSION = "google_secret_manager_secret_version"  # noqa: S105 - the name of a Terraform type

_SCOPED = re.compile(
    r"projects/(?P<project>[^/]+)/(?P<scope>global|(?:zones|regions)/(?P<place>[^/]+))/(?P<kind>[^/]+)/(?P<name>.+)"
)


@dataclass(frozen=True)
class Scoped:
    """The parts of a Compute Engine id."""

    project: str
    scope: str
    """global, zones/Z or regions/R"""
    place: str
    kind: str
    name: str

    @property
    def zone(self) -> str:
        return self.place if self.scope.startswith("zones/") else ""

    @property
    def region(self) -> str:
        return region_of(self.place) if self.zone else self.place


def parse_id(resource_id: str) -> Scoped | None:
    """The parts of an ID; None if it does not have Compute Engine's form (secrets, IAM members …)."""
    match = _SCOPED.fullmatch(relative(resource_id))
    if match is None:
        return None
    return Scoped(match["project"], match["scope"], match["place"] or "", match["kind"], match["name"])


def region_of(zone: str) -> str:
    return zone.rpartition("-")[0]


def project_of(resource_id: str) -> str:
    parts = resource_id.split("/")
    return parts[1] if len(parts) > 1 and parts[0] == "projects" else ""


def last(link: str) -> str:
    return link.rstrip("/").rpartition("/")[2]


def relative(link: str) -> str:
    """The part of a full or partial link from projects/ on."""
    start = link.find("projects/")
    return link[start:] if start > 0 else link


def link(resource_id: str) -> str:
    return API + resource_id


def disk_id(reference: str, zone_id: str) -> str:
    """The ID of a disk that is named by a link, an ID or a bare name; `zone_id` is projects/P/zones/Z."""
    return relative(reference) if "/" in reference else f"{zone_id}/disks/{reference}"


def zone_id(resource_id: str) -> str:
    """projects/P/zones/Z of a resource in that zone."""
    return "/".join(resource_id.split("/")[:4])


def instance_of_attachment(attachment_id: str) -> str:
    return attachment_id.rpartition("/")[0]


def disk_of_attachment(attachment_id: str) -> str:
    return f"{zone_id(attachment_id)}/disks/{last(attachment_id)}"
