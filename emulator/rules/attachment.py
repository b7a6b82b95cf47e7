"""A disk attached to a machine from outside: google_compute_attached_disk."""

from emulator.core.attachments import users_of
from emulator.core.errors import CloudError, in_use, not_found
from emulator.core.ids import DISK, INSTANCE, disk_of_attachment, instance_of_attachment
from emulator.core.store import CloudResource
from emulator.rules.base import Context, Rules


class AttachmentRules(Rules):
    def check(self, context: Context, resource: CloudResource) -> None:
        instance, disk = instance_of_attachment(resource.id), disk_of_attachment(resource.id)
        for type_, id_ in ((INSTANCE, instance), (DISK, disk)):
            if context.store.get(type_, id_) is None:
                raise not_found(id_)
        for user in users_of(context.store, disk):
            raise in_use("disk", disk, user)

    def exists(self, id_: str) -> CloudError:
        # Attachments are no resources at Google: a second one is a disk in use.
        return in_use("disk", disk_of_attachment(id_), instance_of_attachment(id_))
