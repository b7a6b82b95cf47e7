"""The audit log: one row per decision. The database prevents that rows are changed or deleted."""

from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from sqlalchemy import BigInteger, Identity, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base

STATIONMASTER = "Stationmaster"
"""The actor of what the portal does automatically."""
OPERATOR = "operator"
"""The actor of commands that do not require a name."""


class Action(StrEnum):
    """A decision: `type of resource.verb`, and the words between the actor and the resource in a sentence."""

    words: str

    def __new__(cls, value: str, words: str) -> Self:
        """A member of the enumeration."""
        action = str.__new__(cls, value)
        action._value_ = value
        action.words = words
        return action

    REQUEST_WORKSTATION = "workstation.request", "created workstation"
    CHANGE_WORKSTATION = "workstation.change", "edited workstation"
    RESTORE_WORKSTATION = "workstation.restore", "restored the settings of workstation"
    CHECK_WORKSTATION = "workstation.check", "checked for drift in workstation"
    START_WORKSTATION = "workstation.start", "started workstation"
    STOP_WORKSTATION = "workstation.stop", "stopped workstation"
    SUSPEND_WORKSTATION = "workstation.suspend", "suspended workstation"
    RESUME_WORKSTATION = "workstation.resume", "resumed workstation"
    RESTART_WORKSTATION = "workstation.restart", "restarted workstation"
    REVIVE_WORKSTATION = "workstation.revive", "created a machine from the kept disk of"
    HAND_OVER_WORKSTATION = "workstation.hand_over", "handed over workstation"
    SET_OFFICE_HOURS = "workstation.set_office_hours", "set the office hours of workstation"
    SKIP_OFFICE_HOURS = "workstation.skip_office_hours", "skipped a day of the office hours of workstation"
    RESUME_OFFICE_HOURS = "workstation.resume_office_hours", "no longer skips a day of the office hours of workstation"
    SET_CAPACITY = "workstation.set_capacity", "set what happens without capacity for workstation"
    END_OFFICE_HOURS = "workstation.end_office_hours", "turned off the office hours of workstation"
    SET_END_DATE = "workstation.set_end_date", "set the end date of workstation"
    REMOVE_END_DATE = "workstation.remove_end_date", "removed the end date of workstation"
    SET_IDLE_STOP = "workstation.set_idle_stop", "set the idle stop of workstation"
    KEEP_RUNNING = "workstation.keep_running", "kept running workstation"
    STOP_KEEPING_RUNNING = "workstation.stop_keeping_running", "no longer keeps running workstation"
    KEEP_WORKSTATION = "workstation.keep", "kept the unused workstation"
    DESTROY_WORKSTATION = "workstation.destroy", "deleted workstation"
    TAKE_SNAPSHOT = "snapshot.take", "took a snapshot of"
    CHOOSE_DAILY_SNAPSHOTS = "workstation.choose_daily_snapshots", "chose whether daily snapshots are taken of"
    OPEN_SNAPSHOT = "snapshot.open", "opened snapshot"
    CLOSE_SNAPSHOT = "snapshot.close", "closed snapshot"
    REVERT_DISK = "workstation.revert", "requested to revert the data disk of"
    DELETE_SNAPSHOT = "snapshot.delete", "deleted snapshot"
    CANCEL_RUN = "run.cancel", "canceled run"
    APPROVE_RUN = "run.approve", "approved run"
    DISCARD_RUN = "run.discard", "discarded run"
    RETRY_RUN = "run.retry", "retried run"
    CHECK_OUT_STACK = "stack.check_out", "checked out"
    CHECK_IN_STACK = "stack.check_in", "checked in"
    GIVE_BACK_STACK = "stack.give_back", "released the checkout of"
    ADOPT_STACK = "stack.adopt", "adopted existing resources for"
    EXPIRE_STACK = "stack.expire", "expired the checkout of"
    CONFIGURE_SHARED_STACK = "shared_stack.configure", "configured the"
    ROLL_BACK_SHARED_STACK = "shared_stack.roll_back", "rolled back the"
    CHECK_SHARED_STACK = "shared_stack.check", "checked for drift in the"
    DESTROY_SHARED_STACK = "shared_stack.destroy", "deleted the"
    ADD_IAM_ADMIN = "iam_admin.add", "added IAM admin"
    REMOVE_IAM_ADMIN = "iam_admin.remove", "removed IAM admin"
    ASK_ALLOWED_IP = "allowed_ip.ask", "requested allowed IP"
    ADD_ALLOWED_IP = "allowed_ip.add", "added allowed IP"
    APPROVE_ALLOWED_IP = "allowed_ip.approve", "approved allowed IP"
    REFUSE_ALLOWED_IP = "allowed_ip.refuse", "denied allowed IP"
    REMOVE_ALLOWED_IP = "allowed_ip.remove", "removed allowed IP"
    EXPIRE_ALLOWED_IP = "allowed_ip.expire", "expired allowed IP"
    ADD_SSH_KEY = "ssh_key.add", "added SSH key"
    GENERATE_SSH_KEY = "ssh_key.generate", "generated SSH key"
    READ_SSH_KEY = "ssh_key.read", "read the private key of SSH key"
    DELETE_SSH_KEY = "ssh_key.delete", "deleted SSH key"
    BEGIN_SSH_SETUP = "ssh_setup.begin", "created the SSH setup command"
    USE_SSH_SETUP = "ssh_setup.use", "set up SSH on a computer"
    READ_PASSWORD = "password.read", "viewed the password of"
    ADD_SECURITY_KEY = "security_key.add", "added security key"
    USE_SECURITY_KEY = "security_key.use", "confirmed a session with security key"
    REFUSE_SECURITY_KEY = "security_key.refuse", "was denied the use of security key"
    REMOVE_SECURITY_KEY = "security_key.remove", "removed security key"
    MAKE_TOKEN = "token.make", "created API token"
    REVOKE_TOKEN = "token.revoke", "revoked API token"
    START_SIGN_IN = "sign_in.start", "signed in from"
    END_SIGN_IN = "sign_in.end", "signed out from"
    REVOKE_SIGN_IN = "sign_in.revoke", "ended the session from"
    REFUSE_SIGN_IN = "sign_in.refuse", "denied sign-in to"
    JOIN_MEMBER = "member.join", "added member"
    CHANGE_MEMBER = "member.change", "changed member"
    DISABLE_MEMBER = "member.disable", "disabled member"
    ENABLE_MEMBER = "member.enable", "enabled member"
    CHANGE_TEAM = "team.change", "changed the limits of the"
    CHANGE_POLICY = "team.change_policy", "changed the policy of the"
    REQUIRE_SECURITY_KEYS = "team.require_security_keys", "required security keys for the"
    STOP_REQUIRING_SECURITY_KEYS = "team.stop_requiring_security_keys", "stopped requiring security keys for the"
    RESTORE_PORTAL = "portal.restore", "restored the portal from"

    @property
    def kind(self) -> str:
        """The type of resource that it is about."""
        return self.value.partition(".")[0]


_WORDS = {action.value: action.words for action in Action}
KINDS = tuple(dict.fromkeys(action.kind for action in Action))


class AuditEntry(Base):
    """One decision: by whom, when, from where, and the values before and after.

    Members and resources are stored by the name they had, without foreign keys: an entry must not change when they do,
    and must not prevent their deletion.
    """

    __tablename__ = "audit_entries"
    __table_args__ = (Index("ix_audit_entries_thing_kind_thing_id", "thing_kind", "thing_id"),)

    number: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    """Increases from entry to entry. A missing number belongs to a transaction that was rolled back."""
    at: Mapped[datetime] = mapped_column(index=True)
    actor_id: Mapped[str | None]
    """The member who decided; None for the portal or an operator."""
    actor: Mapped[str]
    """Their email address, or one of the names above."""
    action: Mapped[str]
    """An `Action`, stored as text so that entries stay readable if a later release removes it."""
    thing_kind: Mapped[str]
    thing_id: Mapped[str]
    thing_name: Mapped[str]
    origin: Mapped[str]
    """Where the decision came from: a client's IP address, "command line" or "worker" (app/origin.py)."""
    request_id: Mapped[str | None]
    before: Mapped[dict[str, Any]]
    after: Mapped[dict[str, Any]]
    """The values before and after, by name; values that did not change are left out."""

    @property
    def words(self) -> str:
        """The action as words in a sentence."""
        return _WORDS.get(self.action, self.action)
