"""A disk attached to a machine from outside: google_compute_attached_disk."""

from ..attachments import users_of
from ..errors import CloudError, in_use, not_found
from ..ids import DISK, INSTANCE, disk_of_attachment, instance_of_attachment
from ..store import CloudObject
from .kind import Kind, World


class AttachmentKind(Kind):
    def check(self, world: World, thing: CloudObject) -> None:
        instance, disk = instance_of_attachment(thing.id), disk_of_attachment(thing.id)
        for type_, id_ in ((INSTANCE, instance), (DISK, disk)):
            if world.store.get(type_, id_) is None:
                raise not_found(id_)
        for user in users_of(world.store, disk):
            raise in_use("disk", disk, user)

    def exists(self, id_: str) -> CloudError:
        # Google knows no attachment as a thing: a second one is a disk in use.
        return in_use("disk", disk_of_attachment(id_), instance_of_attachment(id_))
