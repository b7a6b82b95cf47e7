"""A member's public SSH keys. Private keys that the portal generated are in Secret Manager, never here."""

from datetime import datetime

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, short_id


class SshKey(Base):
    """One public key, as OpenSSH writes it ("ssh-ed25519 AAAA… comment")."""

    __tablename__ = "ssh_keys"
    __table_args__ = (UniqueConstraint("member_id", "name"), UniqueConstraint("member_id", "fingerprint"))

    id: Mapped[str] = mapped_column(primary_key=True, default=lambda: short_id(10))
    member_id: Mapped[str] = mapped_column(ForeignKey("members.id", ondelete="CASCADE"))
    name: Mapped[str]
    public_key: Mapped[str]
    fingerprint: Mapped[str]
    """SHA256:…, as `ssh-keygen -lf` prints it."""
    secret_name: Mapped[str | None]
    """Name in Secret Manager of the private key; None for an imported key."""
    created_at: Mapped[datetime]
    private_read_at: Mapped[datetime | None]
    """When the portal last gave the private key to its owner."""

    @property
    def has_private_half(self) -> bool:
        """Whether the portal generated this pair and stores the private key."""
        return self.secret_name is not None

    @property
    def waits_for_its_owner(self) -> bool:
        """Whether the portal has a private key that its owner does not have yet."""
        return self.has_private_half and self.private_read_at is None
