"""The health of running machines, and more to say of what happened to them."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0024"
branch_labels = None
depends_on = None
_TIMES = ("asked_at", "probed_at", "reached_at", "unreachable_since")


def upgrade() -> None:
    for name in _TIMES:
        op.add_column("workstations", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    level = sa.Column("health_level", sa.String(32), nullable=False, server_default="unknown")
    op.add_column("workstations", level)
    op.alter_column("workstations", "health_level", server_default=None)
    op.create_index("ix_workstations_health_level", "workstations", ["health_level"])
    op.add_column("machine_events", sa.Column("detail", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("machine_events", "detail")
    op.drop_index("ix_workstations_health_level", table_name="workstations")
    op.drop_column("workstations", "health_level")
    for name in _TIMES:
        op.drop_column("workstations", name)
