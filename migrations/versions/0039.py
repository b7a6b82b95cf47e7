"""The snapshot that a workstation's data disk is to be made from."""

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("workstations", sa.Column("disk_snapshot", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("workstations", "disk_snapshot")
