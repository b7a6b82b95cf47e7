"""Which rules a resource type has."""

from emulator.core.ids import ADDRESS, ATTACHMENT, DISK, INSTANCE, SECRET, SECRET_VERSION, SNAPSHOT
from emulator.rules.address import AddressRules
from emulator.rules.attachment import AttachmentRules
from emulator.rules.base import MembershipRules, Rules
from emulator.rules.bucket import BucketRules
from emulator.rules.disk import DiskRules
from emulator.rules.iam import BINDING, MEMBER, ProjectIamRules
from emulator.rules.instance import InstanceRules
from emulator.rules.network import (
    CONNECTION,
    FIREWALL,
    IN_NETWORKS,
    NETWORK,
    SQL_INSTANCE,
    ConnectionRules,
    FirewallRules,
    InNetworkRules,
    NetworkRules,
)
from emulator.rules.secret import SecretRules, SecretVersionRules
from emulator.rules.service import ServiceRules
from emulator.rules.service_account_key import ServiceAccountKeyRules
from emulator.rules.snapshot import SnapshotRules
from emulator.rules.sql import DATABASE, USER, InSqlInstanceRules, SqlInstanceRules, SqlUserRules

RULES: dict[str, Rules] = {
    **dict.fromkeys(IN_NETWORKS, InNetworkRules()),
    ADDRESS: AddressRules(),
    ATTACHMENT: AttachmentRules(),
    CONNECTION: ConnectionRules(),
    DATABASE: InSqlInstanceRules(),
    DISK: DiskRules(),
    FIREWALL: FirewallRules(),
    INSTANCE: InstanceRules(),
    NETWORK: NetworkRules(),
    SECRET: SecretRules(),
    SECRET_VERSION: SecretVersionRules(),
    SNAPSHOT: SnapshotRules(),
    SQL_INSTANCE: SqlInstanceRules(),
    USER: SqlUserRules(),
    "google_service_account_key": ServiceAccountKeyRules(),
    "google_storage_bucket": BucketRules(),
    "google_project_service": ServiceRules(),
    **dict.fromkeys((BINDING, MEMBER), ProjectIamRules()),
}
_MEMBERSHIP, _OTHER = MembershipRules(), Rules()


def rules_of(type_: str) -> Rules:
    is_grant = type_.endswith(("_iam_member", "_iam_binding"))
    return RULES.get(type_, _MEMBERSHIP if is_grant else _OTHER)
