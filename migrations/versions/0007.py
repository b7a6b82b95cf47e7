"""The SSH user name that a member chooses for their machines."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("members", sa.Column("chosen_ssh_username", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("members", "chosen_ssh_username")
