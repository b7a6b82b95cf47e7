"""Whether a preempted workstation is started again by itself."""

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("workstations", sa.Column("restart_preempted", sa.Boolean(), nullable=True))


def downgrade() -> None:
    op.drop_column("workstations", "restart_preempted")
