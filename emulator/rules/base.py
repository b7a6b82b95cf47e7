"""The steps in the life of a resource at which its type may have rules."""

from dataclasses import dataclass

from emulator.core.addresses import AddressBook
from emulator.core.clock import Clock, rfc3339
from emulator.core.errors import CloudError, already_exists
from emulator.core.store import CloudResource, Json, Store


@dataclass
class Context:
    """What rules can read and change."""

    store: Store
    addresses: AddressBook
    clock: Clock
    project: str

    def now(self) -> str:
        return rfc3339(self.clock())


class Rules:
    """The rules of a resource type. By default, each step does nothing. `check*` raise CloudError."""

    idempotent = False
    """Creating it again is no error, as with IAM members."""
    numbered = False
    """Google chooses the id, so its name is never taken."""

    def find(self, context: Context, type_: str, id_: str) -> CloudResource | None:
        """The resource with this ID; None if there is none."""
        return context.store.get(type_, id_)

    def final_id(self, context: Context, id_: str, state: Json) -> str:
        """The id under which the resource is made."""
        return id_

    def exists(self, id_: str) -> CloudError:
        return already_exists(id_)

    def check(self, context: Context, resource: CloudResource) -> None:
        """Check whether the resource may be created."""

    def check_again(self, context: Context, resource: CloudResource, state: Json) -> None:
        """Check whether an idempotent resource may be created again with this state."""

    def accepted(self, context: Context, resource: CloudResource) -> None:
        """The creation was accepted: the name is taken, and the resource is not complete."""
        if "creation_timestamp" in resource.state:
            resource.state["creation_timestamp"] = resource.cloud["created"]

    def created(self, context: Context, resource: CloudResource) -> None:
        """The creation is complete."""
        resource.cloud["status"] = "READY"

    def check_update(self, context: Context, resource: CloudResource, state: Json) -> None:
        """Check whether the resource may be changed to this state."""

    def updated(self, context: Context, resource: CloudResource, state: Json) -> None:
        """Apply a change. Raises CloudError if a step is refused; earlier steps are kept."""
        resource.state = state

    def check_delete(self, context: Context, resource: CloudResource) -> None:
        """Check whether the resource may be deleted."""

    def deleted(self, context: Context, resource: CloudResource) -> None:
        """The resource was deleted. Deletes everything that depends on it."""

    def present(self, context: Context, resource: CloudResource) -> Json:
        """The resource's current state for Terraform, including changes made outside of it."""
        return resource.state


class MembershipRules(Rules):
    """A grant or an enabled service: creating it again changes nothing."""

    idempotent = True
