"""What is known before a plan, and the plan before it is decided."""

from dataclasses import dataclass, field
from typing import Any

from app.infra.events import Event
from app.services.terraform.state_versions import State

PLAN_FILE = "tfplan"


@dataclass(frozen=True)
class Known:
    """What is known before a try."""

    state: State | None
    needs_reconcile: bool
    approved_plan: bytes | None

    @property
    def has_nothing(self) -> bool:
        """Nothing was made, as far as anybody can know."""
        return not self.needs_reconcile and (self.state is None or self.state.is_empty)


@dataclass(frozen=True)
class Planned:
    """A plan, before it is decided."""

    state: State | None
    changes: list[Event]
    adopted: list[str]
    """Addresses of what was found at Google and taken into the state just now."""
    shown: dict[str, Any] = field(default_factory=dict)
    """Attribute by attribute, as `terraform show -json` gives it; empty where nobody has to look."""

    @property
    def is_empty(self) -> bool:
        """Nothing changes, outputs included."""
        outputs = (self.shown.get("output_changes") or {}).values()
        return not self.changes and all(output["actions"] == ["no-op"] for output in outputs)

    @property
    def losses(self) -> list[Event]:
        """What is deleted or replaced."""
        return [change for change in self.changes if change.is_loss]

    @property
    def mismatched(self) -> list[Event]:
        """What was adopted and would be replaced: it is not what was asked for."""
        return [change for change in self.losses if change.address in self.adopted]
