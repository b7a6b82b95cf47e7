"""An allowed IP: a range of addresses that may reach the MLflow server once an admin has approved it."""

import ipaddress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.config import Settings
from app.models.base import Base, short_id, stored_as_text
from app.models.member import Member

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class AllowedIpStatus(StrEnum):
    """The decision about a range. Whether the firewall allows it is in the shared stack's `allowed_ips`."""

    ASKED = "asked"
    APPROVED = "approved"
    REFUSED = "refused"
    REMOVED = "removed"
    EXPIRED = "expired"


class Standing(StrEnum):
    """The state that people see: the decision, and whether the firewall follows it yet."""

    ASKED = "asked"
    BEING_ADDED = "being_added"
    ON_THE_LIST = "on_the_list"
    NOT_APPLIED = "not_applied"
    """Approved, but the run that adds it failed or was discarded, or there is no shared stack yet."""
    SUSPENDED = "suspended"
    """Approved, but its owner may not sign in (any more)."""
    BEING_REMOVED = "being_removed"
    STILL_LET_IN = "still_let_in"
    """The firewall still allows it, and no run is pending that removes it."""
    REFUSED = "refused"
    REMOVED = "removed"
    EXPIRED = "expired"


@dataclass(frozen=True)
class Firewall:
    """The allowed IPs that the firewall allows, by ID."""

    open_to: frozenset[str] = frozenset()
    """As applied last."""
    perhaps_open_to: frozenset[str] = frozenset()
    """As applied last, and those that the executing run may have added."""
    planned: frozenset[str] = frozenset()
    """As it will be once the pending runs have succeeded."""


class AllowedIp(Base):
    """One range of addresses, with its owner and expiry."""

    __tablename__ = "allowed_ips"
    # Which ranges are around or inside others is asked for each of a page.
    __table_args__ = (Index("ix_allowed_ips_network", text("(cidr::inet) inet_ops"), postgresql_using="gist"),)

    id: Mapped[str] = mapped_column(primary_key=True, default=lambda: short_id(10))
    cidr: Mapped[str]
    """In ipaddress's form, such as 203.0.113.7/32."""
    label: Mapped[str]
    owner_id: Mapped[str] = mapped_column(ForeignKey("members.id"), index=True)
    status: Mapped[AllowedIpStatus] = mapped_column(stored_as_text(AllowedIpStatus))
    created_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str | None] = mapped_column(ForeignKey("members.id"))
    expires_at: Mapped[datetime | None]

    owner: Mapped[Member] = relationship(lazy="raise", foreign_keys=owner_id)

    def decide(self, status: AllowedIpStatus, by: Member | None, now: datetime) -> None:
        """Record a decision, or the expiry if `by` is None."""
        self.status, self.decided_at, self.decided_by = status, now, by.id if by else None

    @property
    def network(self) -> Network:
        """The range."""
        return ipaddress.ip_network(self.cidr)

    @property
    def can_be_decided(self) -> bool:
        """Whether an admin has not decided about it yet."""
        return self.status is AllowedIpStatus.ASKED

    @property
    def can_be_removed(self) -> bool:
        """Whether it is approved."""
        return self.status is AllowedIpStatus.APPROVED

    def is_active(self, now: datetime) -> bool:
        """Whether it is requested or approved, and has not expired."""
        return (self.can_be_decided or self.can_be_removed) and not self.has_expired(now)

    def is_desired(self, now: datetime, settings: Settings) -> bool:
        """Whether the firewall should allow it. Its owner must be loaded."""
        is_approved = self.status is AllowedIpStatus.APPROVED and not self.has_expired(now)
        return is_approved and self.owner.may_sign_in(settings)

    def has_expired(self, now: datetime) -> bool:
        """Whether its expiry has passed."""
        return self.expires_at is not None and self.expires_at <= now

    def lasts_until(self, end: datetime | None) -> bool:
        """Whether it lasts at least until `end`; None stands for no expiry."""
        return self.expires_at is None or (end is not None and end <= self.expires_at)

    def contains(self, network: Network) -> bool:
        """Whether the whole network is within this range."""
        own = self.network
        if isinstance(own, ipaddress.IPv4Network):
            return isinstance(network, ipaddress.IPv4Network) and network.subnet_of(own)
        return isinstance(network, ipaddress.IPv6Network) and network.subnet_of(own)

    def standing(self, firewall: Firewall, now: datetime, settings: Settings) -> Standing:
        """The state that people see. Its owner must be loaded."""
        is_suspended = self.status is AllowedIpStatus.APPROVED and not self.owner.may_sign_in(settings)
        if self.is_desired(now, settings):
            # No pending run will add it either.
            if self.id not in firewall.planned:
                return Standing.NOT_APPLIED
            return Standing.ON_THE_LIST if self.id in firewall.open_to else Standing.BEING_ADDED
        if self.id in firewall.perhaps_open_to:
            # An approved range that has just expired is removed by a worker within a minute.
            is_left = self.id in firewall.planned and (self.status is not AllowedIpStatus.APPROVED or is_suspended)
            return Standing.STILL_LET_IN if is_left else Standing.BEING_REMOVED
        if self.has_expired(now) and (self.can_be_decided or self.can_be_removed):
            return Standing.EXPIRED
        return Standing.SUSPENDED if is_suspended else Standing(self.status.value)
