"""The tables, one file a noun; state machines live here as methods on the rows."""

from app.models.api_token import ApiToken
from app.models.audit_entry import Action, AuditEntry
from app.models.base import Base
from app.models.member import Member, Role
from app.models.plan import Plan
from app.models.run import CancelMode, Run, RunKind, RunStatus
from app.models.run_event import LogLevel, LogLine, ResourceState, RunResource
from app.models.sign_in import SignIn
from app.models.ssh_key import SshKey
from app.models.stack import ProviderLock, Root, Stack, StateVersion
from app.models.worker import Worker
from app.models.workstation import Workstation, WorkstationStatus

__all__ = [
    "Action",
    "ApiToken",
    "AuditEntry",
    "Base",
    "CancelMode",
    "LogLevel",
    "LogLine",
    "Member",
    "Plan",
    "ProviderLock",
    "ResourceState",
    "Role",
    "Root",
    "Run",
    "RunKind",
    "RunResource",
    "RunStatus",
    "SignIn",
    "SshKey",
    "Stack",
    "StateVersion",
    "Worker",
    "Workstation",
    "WorkstationStatus",
]
