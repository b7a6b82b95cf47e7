"""Settings of the whole project. By default everything is enabled, granted and paid for."""

import json
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from emulator.core.errors import CloudError
from emulator.core.store import Json, Store

FACT = "project_settings"


@dataclass
class ProjectSettings:
    """The deviations from the defaults."""

    billing: bool = True
    apis_off: list[str] = field(default_factory=list)
    """Disabled APIs, such as compute.googleapis.com. A `google_project_service` enables one again."""
    denied: list[str] = field(default_factory=list)
    """Permissions that the caller does not have, such as compute.instances.create."""
    quotas: dict[str, float] = field(default_factory=dict)
    """Quota metric → limit, such as GPUS_ALL_REGIONS → 0."""

    default_allow_ssh: bool = True
    """Whether the network `default` has the rule default-allow-ssh. Google creates it, and many organisations delete
    it."""

    @classmethod
    def of(cls, store: Store) -> "ProjectSettings":
        return cls(**json.loads(store.fact(FACT) or "{}"))

    def change(self, values: Json) -> None:
        """Change settings. Raises CloudError (400) for an unknown field, or a value of the wrong type."""
        known = {item.name for item in fields(self)}
        for name, value in values.items():
            if name not in known or not isinstance(value, type(getattr(self, name))):
                raise CloudError(400, f"a project has {', '.join(sorted(known))}; this is not valid: {name}")
            setattr(self, name, value)

    def save(self, store: Store) -> None:
        store.set_fact(FACT, json.dumps(self.as_json()))

    def as_json(self) -> dict[str, Any]:
        return asdict(self)
