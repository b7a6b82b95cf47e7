"""Sign-ins: one row per browser, so that they can be listed and revoked. The cookie's secret is stored hashed."""

from datetime import datetime, timedelta

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.models.base import Base, short_id
from app.models.member import Member

FRESH_FOR = timedelta(minutes=10)
"""How long a sign-in counts as fresh. Reading a private key, for example, requires a fresh one."""


class SignIn(Base):
    """One signed-in browser."""

    __tablename__ = "sign_ins"

    id: Mapped[str] = mapped_column(primary_key=True, default=lambda: short_id(10))
    member_id: Mapped[str] = mapped_column(ForeignKey("members.id", ondelete="CASCADE"), index=True)
    token_hash: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    address: Mapped[str]
    user_agent: Mapped[str]
    confirmed_at: Mapped[datetime | None]
    """When its person last proved to Google who they are; None if the sign-in was not requested as a fresh one."""
    key_used_at: Mapped[datetime | None]
    """When its person last used a security key; None since one of their keys was removed."""

    member: Mapped[Member] = relationship(lazy="raise")

    def is_valid(self, now: datetime) -> bool:
        """Whether it is neither expired nor revoked."""
        return self.revoked_at is None and now < self.expires_at

    def is_confirmed(self, now: datetime) -> bool:
        """Whether its person signed in with Google a short time ago, as a fresh sign-in."""
        return self.confirmed_at is not None and now - self.confirmed_at < FRESH_FOR

    def is_confirmed_by_key(self, now: datetime) -> bool:
        """Whether its person used a security key a short time ago."""
        return self.key_used_at is not None and now - self.key_used_at < FRESH_FOR

    def revoke(self, now: datetime) -> None:
        """End it. Ending it again changes nothing."""
        self.revoked_at = self.revoked_at or now
