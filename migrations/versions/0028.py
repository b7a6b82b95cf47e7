"""SSH setup commands, what they installed, and when private keys were given out."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ssh_setups",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("sign_in_id", sa.Text(), sa.ForeignKey("sign_ins.id", ondelete="CASCADE"), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False, unique=True),
        sa.Column("with_private_keys", sa.Boolean(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("uses_left", sa.Integer(), nullable=False),
    )
    op.create_index("ix_ssh_setups_sign_in_id", "ssh_setups", ["sign_in_id"])
    op.add_column("members", sa.Column("ssh_files", sa.Text()))
    op.add_column("ssh_keys", sa.Column("private_read_at", sa.DateTime(timezone=True)))


def downgrade() -> None:
    op.drop_column("ssh_keys", "private_read_at")
    op.drop_column("members", "ssh_files")
    op.drop_table("ssh_setups")
