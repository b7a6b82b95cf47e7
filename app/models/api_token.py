"""Personal API tokens, stored hashed."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.models.base import Base, short_id, stored_as_text
from app.models.member import Member


class Scope(StrEnum):
    """What a token may do. Each scope includes those before it."""

    label: str

    def __new__(cls, value: str, label: str) -> "Scope":
        """A member of the enumeration; `label` says what it allows."""
        scope = str.__new__(cls, value)
        scope._value_ = value
        scope.label = label
        return scope

    READ = "read", "Read your own resources"
    MACHINES = "machines", "Read and change your own resources"
    ADMIN = "admin", "Everything that admins can do"

    def covers(self, other: "Scope") -> bool:
        """Whether a token with this scope may do what needs the other one."""
        order = list(Scope)
        return order.index(self) >= order.index(other)

    @classmethod
    def of(cls, member: Member) -> "list[Scope]":
        """The scopes that this member's tokens can have, the widest last."""
        return [scope for scope in cls if scope is not cls.ADMIN or member.is_admin]


class ApiToken(Base):
    """A bearer token that acts for its member. Only its hash and its first characters are stored."""

    __tablename__ = "api_tokens"

    id: Mapped[str] = mapped_column(primary_key=True, default=lambda: short_id(10))
    member_id: Mapped[str] = mapped_column(ForeignKey("members.id", ondelete="CASCADE"), index=True)
    name: Mapped[str]
    scope: Mapped[Scope] = mapped_column(stored_as_text(Scope))
    token_hash: Mapped[str] = mapped_column(unique=True)
    hint: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]

    member: Mapped[Member] = relationship(lazy="raise")

    def is_valid(self, now: datetime) -> bool:
        """Whether it is neither expired nor revoked."""
        return self.revoked_at is None and not self.is_expired(now)

    def is_expired(self, now: datetime) -> bool:
        """Whether its time is over."""
        return now >= self.expires_at

    def revoke(self, now: datetime) -> None:
        """Revoke it. Revoking it again changes nothing."""
        self.revoked_at = self.revoked_at or now
