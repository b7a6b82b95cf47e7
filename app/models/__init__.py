"""The tables, one file a noun; state machines live here as methods on the rows."""

from app.log_terms import LogLevel, ResourceState
from app.models.activity_block import ActivityBlock
from app.models.allowed_ip import AllowedIp, AllowedIpStatus, Firewall, Standing
from app.models.api_token import ApiToken, Scope
from app.models.audit_entry import Action, AuditEntry
from app.models.base import Base
from app.models.bulk_action import BulkAction, BulkItem, BulkVerb
from app.models.inspection import Inspection
from app.models.machine_event import MachineEvent, MachineEventKind
from app.models.machine_watch import MachineWatch
from app.models.member import Member, MemberAccess, Role
from app.models.plan import Plan
from app.models.run import Run
from app.models.run_event import LogLine, RunResource
from app.models.run_kinds import RunKind
from app.models.run_states import CancelMode, RunStatus
from app.models.running_time import RunningTime
from app.models.security_key import SecurityKey, SecurityKeyChallenge
from app.models.shared_stack import SharedStack, SharedStackStatus
from app.models.sign_in import SignIn
from app.models.snapshot import Snapshot, SnapshotReason
from app.models.ssh_key import SshKey
from app.models.ssh_setup import SshSetup
from app.models.stack import ProviderLock, Root, Stack, StateVersion
from app.models.team import Team
from app.models.unclaimed_secret import UnclaimedSecret
from app.models.worker import Worker
from app.models.workstation import Workstation
from app.models.workstation_states import WorkstationStatus
from app.models.zone_capacity import ZoneCapacity

__all__ = [
    "Action",
    "ActivityBlock",
    "AllowedIp",
    "AllowedIpStatus",
    "ApiToken",
    "AuditEntry",
    "Base",
    "BulkAction",
    "BulkItem",
    "BulkVerb",
    "CancelMode",
    "Firewall",
    "Inspection",
    "LogLevel",
    "LogLine",
    "MachineEvent",
    "MachineEventKind",
    "MachineWatch",
    "Member",
    "MemberAccess",
    "Plan",
    "ProviderLock",
    "ResourceState",
    "Role",
    "Root",
    "Run",
    "RunKind",
    "RunResource",
    "RunStatus",
    "RunningTime",
    "Scope",
    "SecurityKey",
    "SecurityKeyChallenge",
    "SharedStack",
    "SharedStackStatus",
    "SignIn",
    "Snapshot",
    "SnapshotReason",
    "SshKey",
    "SshSetup",
    "Stack",
    "Standing",
    "StateVersion",
    "Team",
    "UnclaimedSecret",
    "Worker",
    "Workstation",
    "WorkstationStatus",
    "ZoneCapacity",
]
