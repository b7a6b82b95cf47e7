"""Whether a snapshot of a workstation's data disk is taken every day, and for which day it was requested last."""

import sqlalchemy as sa
from alembic import op

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("workstations", sa.Column("daily_snapshots", sa.Boolean(), nullable=True))
    op.add_column("workstations", sa.Column("daily_snapshot_on", sa.Date(), nullable=True))


def downgrade() -> None:
    op.drop_column("workstations", "daily_snapshot_on")
    op.drop_column("workstations", "daily_snapshots")
