"""Labels in three attributes: what the configuration says, what Terraform set, what the resource really has."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from emulator.provider.config import ProviderConfig
from emulator.provider.values import UNKNOWN, State, has_unknown

ATTRIBUTION = {"goog-terraform-provisioned": "true"}


class Family(NamedTuple):
    configured: str
    """The labels in the configuration."""
    managed: str
    """The labels that Terraform manages: those in the configuration and the provider's defaults, or only the former."""
    effective: str
    """All labels that the resource has."""


FAMILIES = (
    Family("labels", "terraform_labels", "effective_labels"),
    Family("resource_labels", "terraform_labels", "effective_labels"),  # a Kubernetes cluster's
    Family("annotations", "annotations", "effective_annotations"),
)


SET_AFTER_CREATE = ("google_compute_address", "google_compute_global_address")
"""Types that Google creates without labels. The provider sets them by a second call."""


def labels_of(state: State) -> State:
    """The attributes of `state` with labels."""
    return {name: state[name] for family in _families(state) for name in family}


def plan_labels(planned: State, prior: State | None, config: ProviderConfig) -> None:
    """Set the computed label attributes of `planned`. Labels that somebody else added stay."""
    for family in _families(planned):
        if has_unknown(planned[family.configured]):
            values: Any = UNKNOWN
            foreign: Any = UNKNOWN
        else:
            values = _defaults(family, config) | (planned[family.configured] or {})
            foreign = _foreign(family, prior or {}) | values
        planned[family.effective] = foreign
        if family.managed != family.configured:
            planned[family.managed] = values


def read_labels(found: State, known: State) -> None:
    """Show, of the labels that `found` really has, those that this configuration is about."""
    for family in _families(found):
        effective = found[family.effective] or {}
        for name in {family.configured, family.managed}:
            before = known.get(name)
            found[name] = None if before is None else {key: value for key, value in effective.items() if key in before}


def _families(state: State) -> Iterator[Family]:
    return (family for family in FAMILIES if all(name in state for name in family))


def _defaults(family: Family, config: ProviderConfig) -> dict[str, str]:
    if family.managed == family.configured:
        return {}
    return (ATTRIBUTION if config.attribution else {}) | config.default_labels


def _foreign(family: Family, prior: State) -> dict[str, Any]:
    managed = prior.get(family.managed) or {}
    return {key: value for key, value in (prior.get(family.effective) or {}).items() if key not in managed}
