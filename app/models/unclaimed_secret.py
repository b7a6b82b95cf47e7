"""Secrets in Secret Manager that no key names yet: written down before they are created, so that none is orphaned."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class UnclaimedSecret(Base):
    """A private key whose SSH key is about to be saved. The row goes when that happens; otherwise the secret does."""

    __tablename__ = "unclaimed_secrets"

    name: Mapped[str] = mapped_column(primary_key=True)
    """Secret Manager's short name."""
    created_at: Mapped[datetime]
    is_expired: Mapped[bool] = mapped_column(default=False)
    """It is being deleted: too late to claim it."""
