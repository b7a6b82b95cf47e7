"""People: a member (or admin) is keyed on the `sub` of their Google account, which survives a change of address."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, short_id, stored_as_text


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
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]

    @property
    def is_admin(self) -> bool:
        """Whether this member may do what admins may."""
        return self.role is Role.ADMIN

    @property
    def ssh_username(self) -> str:
        """The account on this member's machines: the address's local part as Linux takes it (at most 32 characters)."""
        local = self.email.partition("@")[0].lower()
        name = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in local).strip("-")
        return name[:32] if name[:1].isalpha() else f"u-{name}"[:32]
