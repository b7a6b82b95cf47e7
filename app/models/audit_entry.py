"""The audit: one row for each decision, never changed and never deleted; the database refuses both."""

from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from sqlalchemy import BigInteger, Identity, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base

STATIONMASTER = "Stationmaster"
"""Who decides what happens by itself."""
OPERATOR = "operator"
"""Whoever works on the command line and need not say who they are."""


class Action(StrEnum):
    """What can be decided: `kind of thing.verb`, and the words between a person's name and the thing's."""

    words: str

    def __new__(cls, value: str, words: str) -> Self:
        """A member of the enumeration."""
        action = str.__new__(cls, value)
        action._value_ = value
        action.words = words
        return action

    REQUEST_WORKSTATION = "workstation.request", "asked for workstation"
    CHANGE_WORKSTATION = "workstation.change", "asked to change workstation"
    RESTORE_WORKSTATION = "workstation.restore", "restored the settings of workstation"
    CHECK_WORKSTATION = "workstation.check", "asked to check workstation"
    START_WORKSTATION = "workstation.start", "asked to start workstation"
    STOP_WORKSTATION = "workstation.stop", "asked to stop workstation"
    RESTART_WORKSTATION = "workstation.restart", "asked to restart workstation"
    REVIVE_WORKSTATION = "workstation.revive", "asked for a machine with the kept disk of"
    DESTROY_WORKSTATION = "workstation.destroy", "asked to destroy workstation"
    CANCEL_RUN = "run.cancel", "cancelled run"
    APPROVE_RUN = "run.approve", "approved run"
    DISCARD_RUN = "run.discard", "discarded run"
    RETRY_RUN = "run.retry", "retried run"
    CHECK_OUT_STACK = "stack.check_out", "checked out the stack of"
    CHECK_IN_STACK = "stack.check_in", "checked in the stack of"
    GIVE_BACK_STACK = "stack.give_back", "gave back the stack of"
    ADOPT_STACK = "stack.adopt", "took over what existed for the stack of"
    EXPIRE_STACK = "stack.expire", "ended the checkout of the stack of"
    CONFIGURE_SHARED_STACK = "shared_stack.configure", "asked to configure the"
    ROLL_BACK_SHARED_STACK = "shared_stack.roll_back", "asked to roll back the"
    CHECK_SHARED_STACK = "shared_stack.check", "asked to check the"
    DESTROY_SHARED_STACK = "shared_stack.destroy", "asked to destroy the"
    ADD_IAM_ADMIN = "iam_admin.add", "asked to add IAM admin"
    REMOVE_IAM_ADMIN = "iam_admin.remove", "asked to remove IAM admin"
    ASK_ALLOWED_IP = "allowed_ip.ask", "asked to allow"
    ADD_ALLOWED_IP = "allowed_ip.add", "added allowed IP"
    APPROVE_ALLOWED_IP = "allowed_ip.approve", "approved allowed IP"
    REFUSE_ALLOWED_IP = "allowed_ip.refuse", "refused to allow"
    REMOVE_ALLOWED_IP = "allowed_ip.remove", "removed allowed IP"
    EXPIRE_ALLOWED_IP = "allowed_ip.expire", "ended the time of allowed IP"
    ADD_SSH_KEY = "ssh_key.add", "added SSH key"
    GENERATE_SSH_KEY = "ssh_key.generate", "had SSH key made"
    READ_SSH_KEY = "ssh_key.read", "read the private half of SSH key"
    DELETE_SSH_KEY = "ssh_key.delete", "deleted SSH key"
    READ_PASSWORD = "password.read", "read the password of"
    MAKE_TOKEN = "token.make", "made API token"
    REVOKE_TOKEN = "token.revoke", "revoked API token"
    START_SIGN_IN = "sign_in.start", "signed in from"
    END_SIGN_IN = "sign_in.end", "signed out from"
    REVOKE_SIGN_IN = "sign_in.revoke", "ended the sign-in from"
    REFUSE_SIGN_IN = "sign_in.refuse", "refused to sign in"
    JOIN_MEMBER = "member.join", "added member"
    CHANGE_MEMBER = "member.change", "changed member"
    CHANGE_TEAM = "team.change", "changed the limits of the"
    RESTORE_PORTAL = "portal.restore", "restored the portal from"

    @property
    def kind(self) -> str:
        """What kind of thing it is about."""
        return self.value.partition(".")[0]


_WORDS = {action.value: action.words for action in Action}
KINDS = tuple(dict.fromkeys(action.kind for action in Action))


class AuditEntry(Base):
    """Who decided what, when, from where, and what it was before and after.

    People and things are named as they were called then, and no foreign key leads to them: an entry must neither change
    when they do, nor keep them from being deleted.
    """

    __tablename__ = "audit_entries"
    __table_args__ = (Index("ix_audit_entries_thing_kind_thing_id", "thing_kind", "thing_id"),)

    number: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    """Grows from entry to entry. A number that is missing was of a decision that was rolled back."""
    at: Mapped[datetime] = mapped_column(index=True)
    actor_id: Mapped[str | None]
    """The member who decided; None where it was no member."""
    actor: Mapped[str]
    """Their address, or one of the words above."""
    action: Mapped[str]
    """An `Action`, kept as text: what later releases no longer know stays readable."""
    thing_kind: Mapped[str]
    thing_id: Mapped[str]
    thing_name: Mapped[str]
    origin: Mapped[str]
    """Where it was decided: a client's address, "command line" or "worker" (app/origin.py)."""
    request_id: Mapped[str | None]
    before: Mapped[dict[str, Any]]
    after: Mapped[dict[str, Any]]
    """What became of it; of what both name, only what differs."""

    @property
    def words(self) -> str:
        """The action as people say it."""
        return _WORDS.get(self.action, self.action)
