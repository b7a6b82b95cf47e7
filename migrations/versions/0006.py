"""What a machine says of itself: its boot, its disk, its driver, and when the worker last looked.

The columns have a default of the database's or may be null, for workers of the release before.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("workstations", sa.Column("report", postgresql.JSONB(), server_default="{}", nullable=False))
    op.add_column("workstations", sa.Column("reported_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("workstations", "reported_at")
    op.drop_column("workstations", "report")
