"""Buckets, and the objects in them."""

from ..errors import CloudError
from ..store import CloudObject
from .kind import Kind, World

OBJECT = "google_storage_bucket_object"


class BucketKind(Kind):
    def check_delete(self, world: World, thing: CloudObject) -> None:
        if _objects(world, thing) and not thing.state.get("force_destroy"):
            why = f"Error trying to delete bucket {thing.id} containing objects without `force_destroy` set to true"
            raise CloudError(409, "The bucket you tried to delete is not empty.", "conflict", raw=why)

    def deleted(self, world: World, thing: CloudObject) -> None:
        for each in _objects(world, thing):
            world.store.delete(each)


def _objects(world: World, bucket: CloudObject) -> list[CloudObject]:
    return [each for each in world.store.all(OBJECT) if each.state.get("bucket") == bucket.id]
