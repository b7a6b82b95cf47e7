"""Idle stops: what owners chose, since when a machine is idle, and until when it is kept running."""

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None

MOMENTS = ("idle_since", "idle_seen_at", "idle_warned_at", "keep_until")


def upgrade() -> None:
    op.add_column("workstations", sa.Column("idle_choice", sa.Integer(), nullable=True))
    for moment in MOMENTS:
        op.add_column("workstations", sa.Column(moment, sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    for moment in MOMENTS:
        op.drop_column("workstations", moment)
    op.drop_column("workstations", "idle_choice")
