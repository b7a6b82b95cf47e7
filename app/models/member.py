"""People: a member (or admin) is keyed on the `sub` of their Google account, which survives a change of address."""

from datetime import datetime
from enum import StrEnum
from typing import Self

from sqlalchemy import CheckConstraint
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
"""No account of that name can be made on Debian's and Ubuntu's images, or it takes no keys: jupyter's home would be the
data disk, which everybody may write to."""


class Role(StrEnum):
    """The two roles."""

    MEMBER = "member"
    ADMIN = "admin"


class Member(Base):
    """Somebody who has signed in."""

    __tablename__ = "members"
    __table_args__ = (CheckConstraint("email = lower(email)", name="email_lower"),)

    id: Mapped[str] = mapped_column(primary_key=True, default=lambda: short_id(10))
    sub: Mapped[str] = mapped_column(unique=True)
    email: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    role: Mapped[Role] = mapped_column(stored_as_text(Role), default=Role.MEMBER)
    account_name: Mapped[str] = mapped_column(unique=True)
    """What the shared stack calls this member: a service account with its rights goes by this name.

    Nobody chooses it, and nobody else ever has it: it stays when the address is given to somebody else.
    """
    chosen_ssh_username: Mapped[str | None]
    """What this member's next machines call them; None: the name in the address."""
    workstation_limit: Mapped[int | None]
    """How many workstations this member may have; None: as many as every member of the team."""
    gpu_workstation_limit: Mapped[int | None]
    """So many of them with a GPU."""
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    refused_at: Mapped[datetime | None]
    """When Google last said of this account that it is none which the rules let in; None once one is accepted."""

    @classmethod
    def join(cls, sub: str, email: str, name: str, now: datetime) -> Self:
        """Somebody new."""
        member = cls(id=short_id(10), sub=sub, email=email, name=name, created_at=now, last_seen_at=now)
        # The id makes it unique; what is before it is for people, in at most 32 characters.
        member.account_name = f"{member.name_in_address[:21]}-{member.id}"
        return member

    @property
    def is_admin(self) -> bool:
        """Whether this member may do what admins may."""
        return self.role is Role.ADMIN

    def may_sign_in(self, settings: Settings) -> bool:
        """Whether a rule names this member's address, and Google did not say otherwise the last time."""
        return self.refused_at is None and settings.may_sign_in_by_rule(self.email)

    @property
    def ssh_username(self) -> str:
        """The account on machines that this member asks for."""
        return self.chosen_ssh_username or self.default_ssh_username

    @property
    def default_ssh_username(self) -> str:
        """The same where nothing else is chosen: the name in the address."""
        return f"u-{self.name_in_address}"[:32] if self.name_in_address in RESERVED_USERNAMES else self.name_in_address

    @property
    def name_in_address(self) -> str:
        """The address's local part as Linux takes it, at most 32 characters. Others may have the same."""
        local = self.email.partition("@")[0].lower()
        name = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in local).strip("-")
        return name[:32] if name[:1].isalpha() else f"u-{name}"[:32]
