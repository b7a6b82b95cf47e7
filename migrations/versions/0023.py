"""Workstations that were handed over: their owner's label at Google, and the name that their resources have there."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("workstations", sa.Column("made_as", sa.String(), nullable=True))
    op.add_column("workstations", sa.Column("owner_label", sa.String(), nullable=True))
    op.execute("UPDATE workstations SET owner_label = ssh_username")
    op.alter_column("workstations", "owner_label", nullable=False)


def downgrade() -> None:
    op.drop_column("workstations", "owner_label")
    op.drop_column("workstations", "made_as")
