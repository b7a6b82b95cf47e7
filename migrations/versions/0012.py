"""How many workstations a member may have: chosen for one member, or for the team."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("workstation_limit", "gpu_workstation_limit"):
        op.add_column("members", sa.Column(name, sa.Integer(), nullable=True))
    op.create_table(
        "team",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("workstation_limit", sa.Integer(), nullable=True),
        sa.Column("gpu_workstation_limit", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )


def downgrade() -> None:
    op.drop_table("team")
    for name in ("gpu_workstation_limit", "workstation_limit"):
        op.drop_column("members", name)
