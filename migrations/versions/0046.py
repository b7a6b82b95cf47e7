"""Whether a workstation without capacity moves to another zone by itself."""

import sqlalchemy as sa
from alembic import op

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("workstations", sa.Column("moves_itself", sa.Boolean(), nullable=False, server_default="false"))


def downgrade() -> None:
    op.drop_column("workstations", "moves_itself")
