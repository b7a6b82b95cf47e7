"""The shared stack after a round: what was requested of it, and what state, cloud and page say."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

from tests.chaos import things
from tests.chaos.findings import Fault, Finding
from tests.chaos.people import SHARED_STACK, Promise
from tests.chaos.script import PARTS, Act, Request
from tests.chaos.stations import TAKEN_BACK, as_in_state
from tests.chaos.things import Things
from tests.chaos.world import World

MARKS = {
    "storage": "evaluation-results-",
    "docker_registry": "/repositories/container-registry-",
    "pypi_registry": "/repositories/pypi-registry-",
    "service_accounts": "/serviceAccounts/workstation-",
}
"""What is in the id of something that only this part has."""


@dataclass(frozen=True)
class SharedStack:
    """What is to be compared."""

    spec: Request | None
    """The last request that counts."""
    state: Things
    cloud: Things
    page: dict[str, Any]

    @classmethod
    def read(cls, world: World, promises: list[Promise], cloud: Things) -> Self:
        """As it is now."""
        runs = {run["id"]: run for promise in promises[:1] for run in world.runs_of([promise.stack_id])}
        count = [each for each in promises if runs[each.run_id]["status"] not in TAKEN_BACK]
        states = world.states(promises[0].stack_id) if promises else []
        workstations = [row["id"] for row in world.rows("SELECT id FROM workstations")]
        return cls(
            spec=count[-1].spec if count else None,
            state=things.in_state(states[-1]) if states else {},
            cloud=things.of_none(cloud, workstations),
            page=world.admin.get(SHARED_STACK).json(),
        )

    def findings(self) -> Iterator[Finding]:
        """All that is not as it should be."""
        yield from as_in_state("the shared stack", self.state, self.cloud)
        parts = self.spec.parts if self.spec and self.spec.act is Act.CONFIGURE else frozenset[str]()
        for part, mark in MARKS.items():
            is_there = any(mark in id_ for id_ in self.cloud)
            if is_there and part not in parts:
                yield Finding(Fault.ORPHANED, f"the shared stack: {part} is still there, after {self.spec}")
            elif part in parts and not is_there:
                yield Finding(Fault.LOST, f"the shared stack: {part} is not there, after {self.spec}")
        if self.spec is None:
            return
        status = "ready" if self.spec.act is Act.CONFIGURE else "absent"
        if self.page["status"] != status:
            yield Finding(Fault.LOST, f"the shared stack: the page says {self.page['status']}, after {self.spec}")
        on_page = {part for part in PARTS if self.page["settings"][f"deploy_{part}"]}
        if self.spec.act is Act.CONFIGURE and on_page != parts:
            yield Finding(Fault.LOST, f"the shared stack: the page has {sorted(on_page)}, after {self.spec}")
