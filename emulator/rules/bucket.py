"""Buckets, and the objects in them."""

from emulator.core.errors import CloudError
from emulator.core.store import CloudResource
from emulator.rules.base import Context, Rules

OBJECT = "google_storage_bucket_object"


class BucketRules(Rules):
    def exists(self, id_: str) -> CloudError:
        text = "Your previous request to create the named bucket succeeded and you already own it."
        return CloudError(409, text, "conflict", prefix="")

    def check_delete(self, context: Context, resource: CloudResource) -> None:
        if _objects(context, resource) and not resource.state.get("force_destroy"):
            why = f"Error trying to delete bucket {resource.id} containing objects without `force_destroy` set to true"
            raise CloudError(409, "The bucket you tried to delete is not empty.", "conflict", raw=why)

    def deleted(self, context: Context, resource: CloudResource) -> None:
        for each in _objects(context, resource):
            context.store.delete(each)


def _objects(context: Context, bucket: CloudResource) -> list[CloudResource]:
    return [each for each in context.store.all(OBJECT) if each.state.get("bucket") == bucket.id]
