"""What is so of the project as a whole: all is well until somebody says otherwise."""

import json
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from .errors import CloudError
from .store import Json, Store

FACT = "project_traits"


@dataclass
class ProjectTraits:
    """What differs from a project in which everything is enabled, granted and paid for."""

    billing: bool = True
    apis_off: list[str] = field(default_factory=list)
    """Names such as compute.googleapis.com. A `google_project_service` turns one on again."""
    denied: list[str] = field(default_factory=list)
    """Permissions that whoever asks does not have, such as compute.instances.create."""
    quotas: dict[str, float] = field(default_factory=dict)
    """Quota metric → limit, such as GPUS_ALL_REGIONS → 0."""

    @classmethod
    def of(cls, store: Store) -> "ProjectTraits":
        return cls(**json.loads(store.fact(FACT) or "{}"))

    def change(self, wish: Json) -> None:
        """Raises CloudError (400) for a field that there is not, or a value of another type."""
        known = {item.name for item in fields(self)}
        for name, value in wish.items():
            if name not in known or not isinstance(value, type(getattr(self, name))):
                raise CloudError(400, f"a project has {', '.join(sorted(known))}; this makes no sense: {name}")
            setattr(self, name, value)

    def keep(self, store: Store) -> None:
        store.set_fact(FACT, json.dumps(self.as_json()))

    def as_json(self) -> dict[str, Any]:
        return asdict(self)
