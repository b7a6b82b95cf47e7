"""When snapshots expire, and for how long a data disk that a run deletes rests as one."""

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("runs", sa.Column("rest_days", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("snapshots", sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("snapshots", "expires_at")
    op.drop_column("runs", "rest_days")
