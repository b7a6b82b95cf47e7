"""When a workstation was last compared with Google, and what that found."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("workstations", sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("workstations", sa.Column("drift_run_id", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("workstations", "drift_run_id")
    op.drop_column("workstations", "checked_at")
