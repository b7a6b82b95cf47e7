"""The steps in the life of a resource at which its type may have rules."""

from dataclasses import dataclass

from emulator.core.addresses import AddressBook
from emulator.core.clock import Clock, rfc3339
from emulator.core.errors import CloudError, already_exists
from emulator.core.store import CloudResource, Json, Store


@dataclass
class Context:
    """What rules may read and change."""

    store: Store
    addresses: AddressBook
    clock: Clock
    project: str

    def now(self) -> str:
        return rfc3339(self.clock())


class Rules:
    """Each step does nothing by default; `check*` raise CloudError."""

    idempotent = False
    """Creating it again is no error, as with IAM members."""
    numbered = False
    """Google chooses the id, so its name is never taken."""

    def find(self, context: Context, type_: str, id_: str) -> CloudResource | None:
        """None where there is none."""
        return context.store.get(type_, id_)

    def final_id(self, context: Context, id_: str, state: Json) -> str:
        """The id under which the resource is made."""
        return id_

    def exists(self, id_: str) -> CloudError:
        return already_exists(id_)

    def check(self, context: Context, resource: CloudResource) -> None:
        """May this be made?"""

    def check_again(self, context: Context, resource: CloudResource, state: Json) -> None:
        """May `resource`, which is idempotent, be created once more with this state?"""

    def accepted(self, context: Context, resource: CloudResource) -> None:
        """Its name is taken from now on; it is not finished."""
        if "creation_timestamp" in resource.state:
            resource.state["creation_timestamp"] = resource.cloud["created"]

    def created(self, context: Context, resource: CloudResource) -> None:
        """The operation is done."""
        resource.cloud["status"] = "READY"

    def check_update(self, context: Context, resource: CloudResource, state: Json) -> None:
        """May `resource` take this state?"""

    def updated(self, context: Context, resource: CloudResource, state: Json) -> None:
        """Raises CloudError where a change of several steps is refused midway; the steps before it stay."""
        resource.state = state

    def check_delete(self, context: Context, resource: CloudResource) -> None:
        """May this be deleted?"""

    def deleted(self, context: Context, resource: CloudResource) -> None:
        """It was deleted: deletes what depends on it."""

    def present(self, context: Context, resource: CloudResource) -> Json:
        """The state Terraform sees now, with what has changed outside it."""
        return resource.state


class MembershipRules(Rules):
    """A grant or an enabled service: creating it again changes nothing."""

    idempotent = True
