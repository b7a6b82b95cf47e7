"""The team: what admins chose for everybody."""

from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class Team(Base):
    """The one team of a portal; its row is made when something is chosen. None: as the settings say."""

    __tablename__ = "team"

    ID = "team"

    id: Mapped[str] = mapped_column(primary_key=True, default=ID)
    workstation_limit: Mapped[int | None]
    gpu_workstation_limit: Mapped[int | None]
