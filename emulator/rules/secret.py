"""Secret Manager: secrets, and their numbered versions."""

from ..errors import CloudError
from ..ids import SECRET, SECRET_VERSION, last
from ..projects import with_project_number
from ..store import CloudObject, Json
from .kind import Kind, World


class SecretKind(Kind):
    def exists(self, id_: str) -> CloudError:
        return CloudError(409, f"Secret [{with_project_number(id_)}] already exists.")

    def accepted(self, world: World, thing: CloudObject) -> None:
        super().accepted(world, thing)
        if "create_time" in thing.state:
            thing.state["create_time"] = thing.cloud["created"]

    def deleted(self, world: World, thing: CloudObject) -> None:
        for version in versions_of(world, thing.id):
            world.store.delete(version)


class SecretVersionKind(Kind):
    numbered = True

    def final_id(self, world: World, id_: str, state: Json) -> str:
        """Raises CloudError where there is no such secret. A number is never given twice."""
        parent = str(state.get("secret") or id_.rpartition("/versions/")[0])
        secret = world.store.get(SECRET, parent)
        if secret is None:
            raise no_secret(parent)
        number = int(secret.cloud.get("versions", 0)) + 1
        secret.cloud["versions"] = number
        world.store.put(secret)
        return f"{parent}/versions/{number}"

    def accepted(self, world: World, thing: CloudObject) -> None:
        thing.state |= {"id": thing.id, "name": thing.id, "version": last(thing.id)}
        thing.cloud["status"] = "ENABLED"
        if "create_time" in thing.state:
            thing.state["create_time"] = thing.cloud["created"]

    def created(self, world: World, thing: CloudObject) -> None:
        thing.cloud["status"] = "DISABLED" if thing.state.get("enabled") is False else "ENABLED"

    def updated(self, world: World, thing: CloudObject, state: Json) -> None:
        thing.state = state
        self.created(world, thing)


def no_secret(name: str) -> CloudError:
    return CloudError(404, f"Secret [{with_project_number(name)}] not found.")


def versions_of(world: World, secret: str) -> list[CloudObject]:
    """Newest first, the way Google lists them."""
    versions = world.store.all(SECRET_VERSION, f"{secret}/versions/")
    return sorted(versions, key=lambda version: int(last(version.id)), reverse=True)
