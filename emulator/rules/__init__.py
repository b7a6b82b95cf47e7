"""What Google insists on, resource type by resource type. Types without rules here are simply kept."""

from ..ids import ADDRESS, ATTACHMENT, DISK, INSTANCE, SECRET, SECRET_VERSION
from .address import AddressKind
from .attachment import AttachmentKind
from .disk import DiskKind
from .instance import InstanceKind
from .kind import Kind, Membership, World
from .secret import SecretKind, SecretVersionKind
from .service import ServiceKind

__all__ = ["Kind", "World", "kind_of"]

KINDS: dict[str, Kind] = {
    ADDRESS: AddressKind(),
    ATTACHMENT: AttachmentKind(),
    DISK: DiskKind(),
    INSTANCE: InstanceKind(),
    SECRET: SecretKind(),
    SECRET_VERSION: SecretVersionKind(),
    "google_project_service": ServiceKind(),
}
_MEMBERSHIP, _OTHER = Membership(), Kind()


def kind_of(type_: str) -> Kind:
    if type_.endswith(("_iam_member", "_iam_binding")):
        return _MEMBERSHIP
    return KINDS.get(type_, _OTHER)
