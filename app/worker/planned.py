"""The facts before a plan, and a plan that is not decided yet."""

from dataclasses import dataclass, field
from typing import Any

from app.infra.events import Event
from app.services.terraform.state_versions import State

PLAN_FILE = "tfplan"


@dataclass(frozen=True)
class Known:
    """The facts on which an attempt decides whether to plan."""

    state: State | None
    needs_reconcile: bool
    approved_plan: bytes | None

    @property
    def has_nothing(self) -> bool:
        """Whether the stack certainly has no resources."""
        return not self.needs_reconcile and (self.state is None or self.state.is_empty)


@dataclass(frozen=True)
class Planned:
    """A plan that is not decided yet."""

    state: State | None
    changes: list[Event]
    adopted: list[str]
    """Addresses of resources that were imported before this plan."""
    shown: dict[str, Any] = field(default_factory=dict)
    """The plan as `terraform show -json` prints it; empty if nobody has to see it."""
    has_missing: bool = False
    """Whether something in the state no longer exists."""

    @property
    def is_empty(self) -> bool:
        """Whether the plan changes neither resources nor outputs."""
        outputs = (self.shown.get("output_changes") or {}).values()
        return not self.changes and all(output["actions"] == ["no-op"] for output in outputs)

    @property
    def losses(self) -> list[Event]:
        """Changes that delete or replace a resource."""
        return [change for change in self.changes if change.is_loss]

    @property
    def mismatched(self) -> list[Event]:
        """Imported resources that would be replaced, because they are not as requested."""
        return [change for change in self.losses if change.address in self.adopted]
