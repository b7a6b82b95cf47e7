"""An allowed IP: a CIDR that may reach the MLflow server, once an admin has approved it."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.models.base import Base, short_id, stored_as_text
from app.models.member import Member


class AllowedIpStatus(StrEnum):
    """What was decided. Whether the firewall lets it in is in the shared stack's `allowed_ips`."""

    ASKED = "asked"
    APPROVED = "approved"
    REFUSED = "refused"
    REMOVED = "removed"


class AllowedIp(Base):
    """One range of addresses, with who it is for and until when."""

    __tablename__ = "allowed_ips"

    id: Mapped[str] = mapped_column(primary_key=True, default=lambda: short_id(10))
    cidr: Mapped[str]
    """As ipaddress writes a network, such as 203.0.113.7/32."""
    label: Mapped[str]
    owner_id: Mapped[str] = mapped_column(ForeignKey("members.id"), index=True)
    status: Mapped[AllowedIpStatus] = mapped_column(stored_as_text(AllowedIpStatus))
    created_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str | None] = mapped_column(ForeignKey("members.id"))
    expires_at: Mapped[datetime | None]

    owner: Mapped[Member] = relationship(lazy="raise", foreign_keys=owner_id)

    def is_wanted(self, now: datetime) -> bool:
        """Whether the firewall is to let it in."""
        return self.status is AllowedIpStatus.APPROVED and not self.has_expired(now)

    def has_expired(self, now: datetime) -> bool:
        """Its time is over."""
        return self.expires_at is not None and self.expires_at <= now
