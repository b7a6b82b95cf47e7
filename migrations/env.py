"""Alembic's environment: one connection, one transaction."""

from alembic import context
from sqlalchemy import create_engine

from app.models import Base


def include_name(name: str | None, kind: str, _: object) -> bool:
    """The queue's tables are procrastinate's own business."""
    return not (kind == "table" and (name or "").startswith("procrastinate_"))


engine = create_engine(context.config.get_main_option("sqlalchemy.url") or "")
with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=Base.metadata, include_name=include_name)
    with context.begin_transaction():
        context.run_migrations()
engine.dispose()
