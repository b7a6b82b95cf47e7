"""How a workstation stood before the run that is under way."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("workstations", sa.Column("status_before", sa.String(32), nullable=False, server_default="requested"))
    op.execute("UPDATE workstations SET status_before = status")


def downgrade() -> None:
    op.drop_column("workstations", "status_before")
