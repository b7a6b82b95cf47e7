"""What the shared stack costs a month, as far as the catalog has prices."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from app.infra.zones import region_of
from app.services.catalog import HOURS_A_MONTH, Catalog

MLFLOW_DISK_GB, MLFLOW_DISK_TYPE = 20, "pd-balanced"
"""The boot disk of the MLflow server, as in terraform/modules/mlflow."""


@dataclass(frozen=True)
class Cost:
    """One component. Amounts are US dollars a month."""

    label: str
    monthly: Decimal | None
    """None if the price is unknown."""


@dataclass(frozen=True)
class SharedCosts:
    """The costs of all components that are switched on."""

    fixed: list[Cost]
    by_usage: list[str]
    """Components that are billed by what is stored or run."""

    @property
    def known(self) -> Decimal:
        """The sum of the known prices."""
        return sum((cost.monthly for cost in self.fixed if cost.monthly is not None), Decimal())

    @property
    def unknown(self) -> list[str]:
        """The components without a known price."""
        return [cost.label for cost in self.fixed if cost.monthly is None]


def of(chosen: Mapping[str, Any], catalog: Catalog) -> SharedCosts:
    """The costs of these settings (SharedSettings, by name)."""
    zone, fixed = chosen["zone"], []
    if chosen["deploy_mlflow"]:
        name = chosen["mlflow_machine_type"]
        machine = catalog.machine_type(name)
        fixed += [
            _cost(f"MLflow server ({name})", machine.usd_an_hour(zone, spot=False) if machine else None),
            _cost("its boot disk", catalog.disk_price_per_hour(zone, MLFLOW_DISK_GB, MLFLOW_DISK_TYPE)),
            _cost("its external IP", catalog.address_usd_per_hour.get(region_of(zone))),
        ]
    if chosen["deploy_sql"]:
        fixed.append(Cost(f"Cloud SQL ({chosen['sql_tier']})", None))
    if chosen["deploy_kubernetes"]:
        fixed.append(Cost("Kubernetes cluster", None))
    usage = {"deploy_storage": "buckets", "deploy_docker_registry": "registries", "deploy_pypi_registry": "registries"}
    by_usage = dict.fromkeys(label for name, label in usage.items() if chosen[name])
    return SharedCosts(fixed, list(by_usage))


def _cost(label: str, hourly: Decimal | None) -> Cost:
    return Cost(label, None if hourly is None else hourly * HOURS_A_MONTH)
