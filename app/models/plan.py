"""What Terraform says that a run would change."""

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
    """Terraform's own plan file, encrypted, so that any worker can apply it; only while that may still happen."""
    view: Mapped[dict[str, Any]]
    """The same for people, with everything sensitive masked (services/terraform/plan_view.py)."""
    created_at: Mapped[datetime]
