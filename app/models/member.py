"""Members. The `sub` of their Google account identifies them, because email addresses can change."""

from datetime import datetime
from enum import StrEnum
from typing import Self

from sqlalchemy import CheckConstraint, ColumnElement, and_, func, or_
from sqlalchemy.orm import Mapped, mapped_column

from app.config import Settings
from app.models.base import Base, short_id, stored_as_text

_SYSTEM_USERS = (
    *("_apt", "backup", "bin", "daemon", "games", "gnats", "irc", "list", "lp", "mail", "man", "messagebus", "news"),
    *("nobody", "ntp", "postfix", "proxy", "root", "sshd", "sync", "sys", "syslog", "systemd-network"),
    *("systemd-resolve", "systemd-timesync", "tcpdump", "uucp", "uuidd", "www-data"),
)
_SYSTEM_GROUPS = (
    *("adm", "audio", "cdrom", "dialout", "dip", "disk", "docker", "floppy", "google-sudoers", "input", "kmem", "kvm"),
    *("lxd", "netdev", "nogroup", "operator", "plugdev", "render", "sasl", "shadow", "src", "staff", "sudo"),
    *("systemd-journal", "tape", "tty", "users", "utmp", "video", "voice"),
)
RESERVED_USERNAMES = frozenset({"jupyter", *_SYSTEM_USERS, *_SYSTEM_GROUPS})
"""Names that no account can have on Debian's and Ubuntu's images.

jupyter is one of them: its home would be the data disk, to which everybody can write, so SSH would ignore its keys.
"""


class Role(StrEnum):
    """The roles of members."""

    MEMBER = "member"
    ADMIN = "admin"


class MemberAccess(StrEnum):
    """Whether somebody can sign in, and if not, by whom."""

    ACTIVE = "active"
    DISABLED = "disabled"
    """An admin has shut them out."""
    NOT_ALLOWED = "not_allowed"
    """No setting names their address, or Google said of their account that it is none of these."""


class Member(Base):
    """Somebody who may sign in."""

    __tablename__ = "members"
    __table_args__ = (CheckConstraint("email = lower(email)", name="email_lower"),)

    id: Mapped[str] = mapped_column(primary_key=True, default=lambda: short_id(10))
    sub: Mapped[str] = mapped_column(unique=True)
    email: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    role: Mapped[Role] = mapped_column(stored_as_text(Role), default=Role.MEMBER)
    account_name: Mapped[str] = mapped_column(unique=True)
    """The member's name in the shared stack, such as for their service account.

    It is unique for ever: it stays with the member if the email address goes to somebody else.
    """
    chosen_ssh_username: Mapped[str | None]
    """The username on the member's next machines; None for the name in the email address."""
    ssh_files: Mapped[str | None]
    """The SSH configuration and known hosts that a computer of theirs installed last; None before the first."""
    workstation_limit: Mapped[int | None]
    """How many workstations this member may have; None for the team's limit."""
    gpu_workstation_limit: Mapped[int | None]
    """How many of them may have a GPU; None for the team's limit."""
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    refused_at: Mapped[datetime | None]
    """When Google last identified the account as one that no rule allows; None since a sign-in that succeeded."""

    disabled_at: Mapped[datetime | None]
    """When an admin disabled this account; None while it is enabled."""

    @classmethod
    def join(cls, sub: str, email: str, name: str, now: datetime) -> Self:
        """A new member."""
        member = cls(id=short_id(10), sub=sub, email=email, name=name, created_at=now, last_seen_at=now)
        # Unique because of the ID. The name before it is for people; Terraform allows 32 characters.
        member.account_name = f"{member.name_in_address[:21]}-{member.id}"
        return member

    @property
    def is_admin(self) -> bool:
        """Whether this member is an admin."""
        return self.role is Role.ADMIN

    @property
    def is_disabled(self) -> bool:
        """Whether an admin has shut this member out."""
        return self.disabled_at is not None

    def access(self, settings: Settings) -> MemberAccess:
        """Whether this member can sign in, by the admins, the rules, and what Google said the last time."""
        if self.is_disabled:
            return MemberAccess.DISABLED
        is_allowed = self.refused_at is None and settings.may_sign_in_by_rule(self.email)
        return MemberAccess.ACTIVE if is_allowed else MemberAccess.NOT_ALLOWED

    def may_sign_in(self, settings: Settings) -> bool:
        """Whether a rule names this member's address, Google did not say otherwise, and no admin disabled them."""
        return self.access(settings) is MemberAccess.ACTIVE

    @classmethod
    def can_sign_in(cls, settings: Settings) -> ColumnElement[bool]:
        """`may_sign_in`, for queries."""
        is_named = or_(
            cls.email.in_(settings.allowed_emails),
            func.split_part(cls.email, "@", -1).in_(settings.allowed_domains),
        )
        return and_(cls.disabled_at.is_(None), cls.refused_at.is_(None), is_named)

    @property
    def ssh_username(self) -> str:
        """The username on this member's next machines."""
        return self.chosen_ssh_username or self.default_ssh_username

    @property
    def default_ssh_username(self) -> str:
        """The username if the member has not chosen one: the name in the email address."""
        # A reserved name, such as root or docker, would be another account on the machine.
        return f"u-{self.name_in_address}"[:32] if self.name_in_address in RESERVED_USERNAMES else self.name_in_address

    @property
    def name_in_address(self) -> str:
        """The email address's local part as a Linux username of at most 32 characters. It need not be unique."""
        local = self.email.partition("@")[0].lower()
        name = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in local).strip("-")
        # Linux usernames must not begin with a digit or hyphen.
        return name[:32] if name[:1].isalpha() else f"u-{name}"[:32]
