"""Tokens of SSH setup commands, stored hashed. Each lets one computer after another fetch its owner's SSH files."""

from datetime import datetime, timedelta

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.models.base import Base, short_id
from app.models.sign_in import SignIn

LASTS_FOR = timedelta(minutes=10)
MOST_USES = 5
"""Enough for Windows and WSL, and for trying again."""


class SshSetup(Base):
    """One setup command, which a signed-in browser was shown. It ends with that sign-in at the latest."""

    __tablename__ = "ssh_setups"

    id: Mapped[str] = mapped_column(primary_key=True, default=lambda: short_id(10))
    sign_in_id: Mapped[str] = mapped_column(ForeignKey("sign_ins.id", ondelete="CASCADE"), index=True)
    token_hash: Mapped[str] = mapped_column(unique=True)
    with_private_keys: Mapped[bool]
    """Whether it returns private keys too. The sign-in was fresh if so."""
    expires_at: Mapped[datetime]
    uses_left: Mapped[int]

    sign_in: Mapped[SignIn] = relationship(lazy="raise")

    def is_valid(self, now: datetime) -> bool:
        """Whether it can be used once more."""
        return self.uses_left > 0 and now < self.expires_at and self.sign_in.is_valid(now)

    def use(self) -> None:
        """Count a use."""
        self.uses_left -= 1
