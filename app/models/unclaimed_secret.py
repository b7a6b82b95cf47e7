"""Secrets in Secret Manager that belong to no SSH key yet. Their rows are saved first, so that no secret is
forgotten."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class UnclaimedSecret(Base):
    """A private key whose SSH key is about to be saved. After that the row is deleted; if it never happens, the
    secret is."""

    __tablename__ = "unclaimed_secrets"

    name: Mapped[str] = mapped_column(primary_key=True)
    """The short name in Secret Manager."""
    created_at: Mapped[datetime]
    is_expired: Mapped[bool] = mapped_column(default=False)
    """Whether the secret is being deleted, so that it can no longer be claimed."""
