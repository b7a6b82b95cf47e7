"""The worker processes."""

from datetime import datetime, timedelta
from typing import ClassVar

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, short_id


class Worker(Base):
    """One worker process. It updates `seen_at` every few seconds."""

    __tablename__ = "workers"

    ALIVE_FOR: ClassVar[timedelta] = timedelta(seconds=15)

    id: Mapped[str] = mapped_column(primary_key=True, default=lambda: short_id(10))
    host: Mapped[str]
    pid: Mapped[int]
    started_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    free_bytes: Mapped[int | None] = mapped_column(BigInteger)
    """Free space in its data folder or the folder for temporary files, whichever is less."""
