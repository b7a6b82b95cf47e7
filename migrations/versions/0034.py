"""What machines did, in blocks of 60 steps."""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

MEASURES = ("gpu", "cpu", "memory", "disk", "received", "sent", "typed", "jobs")


def upgrade() -> None:
    op.create_table(
        "activity_blocks",
        sa.Column("workstation_id", sa.String(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("begins_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("is_folded", sa.Boolean(), nullable=False),
        *(sa.Column(measure, sa.ARRAY(sa.REAL()), nullable=False) for measure in MEASURES),
        sa.PrimaryKeyConstraint("workstation_id", "step", "begins_at", name=op.f("pk_activity_blocks")),
        sa.ForeignKeyConstraint(
            ["workstation_id"],
            ["workstations.id"],
            name=op.f("fk_activity_blocks_workstation_id_workstations"),
        ),
    )


def downgrade() -> None:
    op.drop_table("activity_blocks")
