"""Disks and addresses of workstations that were there before the portal."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("workstations", sa.Column("adopted_disk", sa.String(), nullable=True))
    op.add_column("workstations", sa.Column("adopted_address", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("workstations", "adopted_address")
    op.drop_column("workstations", "adopted_disk")
