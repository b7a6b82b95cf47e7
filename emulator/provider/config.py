"""What the provider block and the environment say."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from emulator.provider.values import UNKNOWN

ENVIRONMENT = {
    "project": ("GOOGLE_PROJECT", "GOOGLE_CLOUD_PROJECT", "GCLOUD_PROJECT", "CLOUDSDK_CORE_PROJECT"),
    "region": ("GOOGLE_REGION", "GCLOUD_REGION", "CLOUDSDK_COMPUTE_REGION"),
    "zone": ("GOOGLE_ZONE", "GCLOUD_ZONE", "CLOUDSDK_COMPUTE_ZONE"),
    "compute_custom_endpoint": ("GOOGLE_COMPUTE_CUSTOM_ENDPOINT",),
}
COMPUTE_PATH = "compute/v1/"


@dataclass(frozen=True)
class ProviderConfig:
    project: str = ""
    region: str = ""
    zone: str = ""
    cloud_url: str = ""
    """Base of the emulated cloud, with a slash at the end; empty where there is none (validation, mocks)."""
    deletion_policy: str = "DELETE"
    attribution: bool = True
    """Whether resources get the label that says Terraform made them."""
    default_labels: dict[str, str] = field(default_factory=dict)

    def place(self, name: str) -> str:
        """The default for a resource's project, region or zone; empty when there is none."""
        return {"project": self.project, "region": self.region, "zone": self.zone}.get(name, "")

    def places(self) -> dict[str, str | None]:
        return {name: self.place(name) or None for name in ("project", "region", "zone")}


def read_config(block: Mapping[str, Any] | None, environ: Mapping[str, str] = os.environ) -> ProviderConfig:
    """The provider block's arguments, with the environment behind them as Google's provider reads it."""

    def configured(name: str) -> Any:
        value = (block or {}).get(name)
        if value is not None and value is not UNKNOWN:
            return value
        return next((environ[key] for key in ENVIRONMENT.get(name, ()) if environ.get(key)), None)

    zone = _last(configured("zone") or "")
    return ProviderConfig(
        project=configured("project") or "",
        region=_last(configured("region") or "") or zone.rpartition("-")[0],
        zone=zone,
        cloud_url=_cloud_url(configured("compute_custom_endpoint") or ""),
        deletion_policy=configured("deletion_policy") or "DELETE",
        attribution=configured("add_terraform_attribution_label") is not False,
        default_labels=configured("default_labels") or {},
    )


def _cloud_url(endpoint: str) -> str:
    return endpoint.removesuffix(COMPUTE_PATH)


def _last(link: str) -> str:
    return link.rsplit("/", 1)[-1]
