"""What Google insists on, resource type by resource type. Types without rules here are simply kept."""

from ..ids import ADDRESS, ATTACHMENT, DISK, INSTANCE, SECRET, SECRET_VERSION
from .address import AddressKind
from .attachment import AttachmentKind
from .bucket import BucketKind
from .disk import DiskKind
from .instance import InstanceKind
from .kind import Kind, Membership, World
from .network import (
    CONNECTION,
    FIREWALL,
    IN_NETWORKS,
    NETWORK,
    SQL_INSTANCE,
    ConnectionKind,
    FirewallKind,
    InNetworkKind,
    NetworkKind,
)
from .secret import SecretKind, SecretVersionKind
from .service import ServiceKind
from .service_account_key import ServiceAccountKeyKind
from .sql import DATABASE, USER, InSqlInstanceKind, SqlInstanceKind, SqlUserKind

__all__ = ["Kind", "World", "kind_of"]

KINDS: dict[str, Kind] = {
    **dict.fromkeys(IN_NETWORKS, InNetworkKind()),
    ADDRESS: AddressKind(),
    ATTACHMENT: AttachmentKind(),
    CONNECTION: ConnectionKind(),
    DATABASE: InSqlInstanceKind(),
    DISK: DiskKind(),
    FIREWALL: FirewallKind(),
    INSTANCE: InstanceKind(),
    NETWORK: NetworkKind(),
    SECRET: SecretKind(),
    SECRET_VERSION: SecretVersionKind(),
    SQL_INSTANCE: SqlInstanceKind(),
    USER: SqlUserKind(),
    "google_service_account_key": ServiceAccountKeyKind(),
    "google_storage_bucket": BucketKind(),
    "google_project_service": ServiceKind(),
}
_MEMBERSHIP, _OTHER = Membership(), Kind()


def kind_of(type_: str) -> Kind:
    if type_.endswith(("_iam_member", "_iam_binding")):
        return _MEMBERSHIP
    return KINDS.get(type_, _OTHER)
