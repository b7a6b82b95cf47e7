"""The team: settings that admins chose for all members."""

from typing import Any

from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class Team(Base):
    """The portal's only team. Its row is created with the first choice; None stands for the default in the settings."""

    __tablename__ = "team"

    ID = "team"

    id: Mapped[str] = mapped_column(primary_key=True, default=ID)
    workstation_limit: Mapped[int | None]
    gpu_workstation_limit: Mapped[int | None]
    requires_security_keys: Mapped[bool] = mapped_column(default=False)
    policy: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default="{}")
    """What `TeamPolicy` reads (services/people/team_policy.py); what is missing has its default."""
