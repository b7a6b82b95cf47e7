"""The steps in the life of a resource at which its type may have something to say."""

from dataclasses import dataclass

from ..addresses import AddressBook
from ..clock import Clock, rfc3339
from ..errors import CloudError, already_exists
from ..store import CloudObject, Json, Store


@dataclass
class World:
    """What rules may look at and change."""

    store: Store
    addresses: AddressBook
    clock: Clock
    project: str

    def now(self) -> str:
        return rfc3339(self.clock())


class Kind:
    """Each step does nothing by default; `check*` raise CloudError."""

    idempotent = False
    """Creating it again is no error, as with IAM members."""
    numbered = False
    """Google chooses the id, so its name is never taken."""

    def final_id(self, world: World, id_: str, state: Json) -> str:
        """The id under which the thing is made."""
        return id_

    def exists(self, id_: str) -> CloudError:
        return already_exists(id_)

    def check(self, world: World, thing: CloudObject) -> None:
        """May this be made?"""

    def accepted(self, world: World, thing: CloudObject) -> None:
        """Its name is taken from now on; it is not finished."""
        if "creation_timestamp" in thing.state:
            thing.state["creation_timestamp"] = thing.cloud["created"]

    def created(self, world: World, thing: CloudObject) -> None:
        """The operation is done."""
        thing.cloud["status"] = "READY"

    def check_update(self, world: World, thing: CloudObject, state: Json) -> None:
        """May `thing` take this state?"""

    def updated(self, world: World, thing: CloudObject, state: Json) -> None:
        thing.state = state

    def check_delete(self, world: World, thing: CloudObject) -> None:
        """May this go?"""

    def deleted(self, world: World, thing: CloudObject) -> None:
        """It is gone: what hung on it goes too."""

    def present(self, world: World, thing: CloudObject) -> Json:
        """The state Terraform sees now, with what has changed outside it."""
        return thing.state


class Membership(Kind):
    """A member of a policy, an enabled service: it is so, or it is not."""

    idempotent = True
