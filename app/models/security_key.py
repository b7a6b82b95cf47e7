"""Security keys: WebAuthn credentials with which members prove that it is them, and what the portal has asked for."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, short_id


class SecurityKey(Base):
    """A member's security key or passkey. What is stored is public: the private key stays in the device."""

    __tablename__ = "security_keys"

    id: Mapped[str] = mapped_column(primary_key=True, default=lambda: short_id(10))
    member_id: Mapped[str] = mapped_column(ForeignKey("members.id", ondelete="CASCADE"), index=True)
    name: Mapped[str]
    domain: Mapped[str]
    """The portal's domain when it was added. Browsers use it nowhere else (WebAuthn's RP ID)."""
    credential_id: Mapped[bytes] = mapped_column(unique=True)
    public_key: Mapped[bytes]
    """In COSE's format, as the device sent it."""
    sign_count: Mapped[int] = mapped_column(BigInteger)
    """The device's counter at its last use; 0 for devices that do not count."""
    transports: Mapped[list[Any]]
    """How browsers reach the device, such as "usb" and "internal"."""
    added_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]

    def may_be_copy(self, sign_count: int) -> bool:
        """Whether a counter did not increase, as with a copy of the device. Both are 0 if the device does not count."""
        return max(sign_count, self.sign_count) > 0 and sign_count <= self.sign_count


class SecurityKeyChallenge(Base):
    """What a security key has to sign for one browser. It is for a single use."""

    __tablename__ = "security_key_challenges"

    challenge: Mapped[bytes] = mapped_column(primary_key=True)
    sign_in_id: Mapped[str] = mapped_column(ForeignKey("sign_ins.id", ondelete="CASCADE"), index=True)
    expires_at: Mapped[datetime]
