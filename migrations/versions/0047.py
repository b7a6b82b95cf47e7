"""Whether a workstation keeps the home folder on its data disk."""

import sqlalchemy as sa
from alembic import op

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("workstations", sa.Column("home_on_data_disk", sa.Boolean(), nullable=False, server_default="false"))


def downgrade() -> None:
    op.drop_column("workstations", "home_on_data_disk")
