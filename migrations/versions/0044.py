"""The snapshot that is open on a workstation, and until when."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("workstations", sa.Column("opened_snapshot", postgresql.JSONB(), nullable=True))
    op.add_column("workstations", sa.Column("opened_until", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("workstations", "opened_until")
    op.drop_column("workstations", "opened_snapshot")
