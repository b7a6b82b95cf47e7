"""The plan of a run."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Sealed


class Plan(Base):
    """The newest plan of a run."""

    __tablename__ = "plans"

    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True)
    sealed: Mapped[bytes | None] = mapped_column(Sealed)
    """Terraform's plan file, encrypted, as long as it may be applied. Any worker can apply it."""
    view: Mapped[dict[str, Any]]
    """The plan in a readable form, without secrets (services/terraform/plan_view.py)."""
    created_at: Mapped[datetime]
