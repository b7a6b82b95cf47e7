"""The size of a workstation's boot disk, which was the same for all of them."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("workstations", sa.Column("boot_disk_size_gb", sa.Integer(), nullable=False, server_default="50"))
    op.alter_column("workstations", "boot_disk_size_gb", server_default=None)


def downgrade() -> None:
    op.drop_column("workstations", "boot_disk_size_gb")
