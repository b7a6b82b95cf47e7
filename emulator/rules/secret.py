"""Secret Manager: secrets, and their numbered versions."""

from emulator.core.errors import CloudError
from emulator.core.ids import SECRET, SECRET_VERSION, last
from emulator.core.projects import with_project_number
from emulator.core.store import CloudResource, Json
from emulator.rules.base import Context, Rules


class SecretRules(Rules):
    def exists(self, id_: str) -> CloudError:
        return CloudError(409, f"Secret [{with_project_number(id_)}] already exists.")

    def accepted(self, context: Context, resource: CloudResource) -> None:
        super().accepted(context, resource)
        if "create_time" in resource.state:
            resource.state["create_time"] = resource.cloud["created"]


class SecretVersionRules(Rules):
    numbered = True

    def final_id(self, context: Context, id_: str, state: Json) -> str:
        """Raises CloudError where there is no such secret. A number is never given twice."""
        parent = str(state.get("secret") or id_.rpartition("/versions/")[0])
        secret = context.store.get(SECRET, parent)
        if secret is None:
            raise no_secret(parent)
        number = int(secret.cloud.get("versions", 0)) + 1
        secret.cloud["versions"] = number
        context.store.put(secret)
        return f"{parent}/versions/{number}"

    def accepted(self, context: Context, resource: CloudResource) -> None:
        resource.state |= {"id": resource.id, "name": resource.id, "version": last(resource.id)}
        resource.cloud["status"] = "ENABLED"
        if "create_time" in resource.state:
            resource.state["create_time"] = resource.cloud["created"]

    def created(self, context: Context, resource: CloudResource) -> None:
        resource.cloud["status"] = "DISABLED" if resource.state.get("enabled") is False else "ENABLED"

    def updated(self, context: Context, resource: CloudResource, state: Json) -> None:
        resource.state = state
        self.created(context, resource)


def no_secret(name: str) -> CloudError:
    return CloudError(404, f"Secret [{with_project_number(name)}] not found.")


def versions_of(context: Context, secret: str) -> list[CloudResource]:
    """Newest first, the way Google lists them."""
    versions = context.store.all(SECRET_VERSION, f"{secret}/versions/")
    return sorted(versions, key=lambda version: int(last(version.id)), reverse=True)
