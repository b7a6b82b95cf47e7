"""A temporary folder in which existing resources are found by name, and imported into a state.

Nothing is changed at Google: `terraform import` and `terraform plan` only read.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from app.config import Settings
from app.errors import ConflictError, UnavailableError
from app.infra import terraform
from app.services.by_hand.adoptions import LeasedStack
from app.services.terraform import plan_view
from app.services.terraform.scrub import Scrubber, secrets_of_settings
from app.services.terraform.state_resources import instances
from app.services.terraform.state_versions import State
from app.worker.adopt_shared import stacks_named_by
from app.worker.driver import Driver, TerraformError
from app.worker.folder import RunFolder

PLAN_FILE = "adopt.tfplan"
T = TypeVar("T")


@dataclass(frozen=True)
class Found:
    """An existing resource that the stack would create."""

    address: str
    resource_id: str
    attributes: dict[str, Any]


class AdoptionFolder:
    """A folder for one adoption, which is deleted afterwards."""

    def __init__(self, path: Path, root: Path, leased: LeasedStack, settings: Settings) -> None:
        self._leased, self._folder = leased, RunFolder(path)
        self._folder.prepare(root, leased.inputs, leased.state)
        self._driver = Driver(self._folder, terraform.executable(settings.terraform), leased.secrets)
        self._clean = Scrubber({*secrets_of_settings(settings), *leased.secrets.values()}).clean

    def remove(self) -> None:
        """Remove the folder."""
        self._folder.remove()

    async def plan(self, *options: str) -> dict[str, Any]:
        """The plan as JSON of `terraform show`."""
        await self._checked(self._driver.plan(PLAN_FILE, *options))
        return await self._checked(self._driver.show(PLAN_FILE))

    async def find(self, address: str, resource_id: str) -> Found | None:
        """The resource with this ID; None if it does not exist.

        Raises ConflictError if it belongs to another stack.
        """
        state = await self._checked(self._driver.probe(address, resource_id))
        if state is None:
            return None
        if stacks_named_by(state) - {None, self._leased.stack_id}:
            raise ConflictError(f"{resource_id} belongs to another stack of a portal.")
        return Found(address, resource_id, dict(next(instances(state)).attributes.value))

    def write_variables(self, inputs: dict[str, Any]) -> None:
        """Replace the variables."""
        self._folder.write_variables(inputs)

    async def import_all(self, found: list[Found], log: Callable[[str], None]) -> None:
        """Import the resources into the state."""
        for each in found:
            log(f"Importing {each.resource_id}")
            await self._checked(self._driver.import_resource(each.address, each.resource_id))

    async def impact(self, found: list[Found]) -> dict[str, str]:
        """Address → what the stack's next run would do with the resource.

        Raises ConflictError if a resource would be replaced or deleted.
        """
        changes = plan_view.managed_changes(await self.plan())
        addresses = {each.address: each.resource_id for each in found}
        changed = {change["address"]: change for change in changes if change["address"] in addresses}
        actions = {address: plan_view.action(change) for address, change in changed.items()}
        if lost := [address for address, action in actions.items() if action in {"delete", "replace"}]:
            reasons = [_reason(addresses[address], changed[address]) for address in lost]
            raise ConflictError("\n".join([*reasons, "Nothing was adopted."]))
        return {address: actions.get(address, "no change") for address in addresses}

    @property
    def state(self) -> State:
        """The state with the imported resources."""
        state = self._folder.read_state()
        if state is None:
            raise UnavailableError("Terraform has not written a state.")
        return state

    async def _checked(self, command: Awaitable[T]) -> T:
        try:
            return await command
        except TerraformError as error:
            raise UnavailableError(self._clean(str(error))) from error


def _reason(resource_id: str, change: dict[str, Any]) -> str:
    forced = [".".join(map(str, path)) for path in change["change"].get("replace_paths") or []]
    because = f", because it differs in {', '.join(forced)}" if forced else ""
    return f"{resource_id} would be {plan_view.action(change)}d{because}."
