"""Running times, last use, and actions on many workstations."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("workstations", sa.Column("running_since", TIME, nullable=True))
    op.add_column("workstations", sa.Column("used_at", TIME, nullable=True))
    op.create_table(
        "running_times",
        sa.Column("workstation_id", sa.String(), sa.ForeignKey("workstations.id"), primary_key=True),
        sa.Column("month", sa.Date(), primary_key=True),
        sa.Column("seconds", sa.Double(), nullable=False),
    )
    op.create_table(
        "bulk_actions",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("verb", sa.String(32), nullable=False),
        sa.Column("search", sa.String(), nullable=True),
        sa.Column("requested_by", sa.String(), sa.ForeignKey("members.id"), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("request_id", sa.String(), nullable=True),
    )
    op.create_table(
        "bulk_items",
        sa.Column("bulk_action_id", sa.String(), sa.ForeignKey("bulk_actions.id"), primary_key=True),
        sa.Column("position", sa.Integer(), primary_key=True),
        sa.Column("workstation_id", sa.String(), sa.ForeignKey("workstations.id"), nullable=False),
        sa.Column("run_id", sa.String(), sa.ForeignKey("runs.id"), nullable=True),
        sa.Column("problem", sa.String(), nullable=True),
        sa.Column("done_at", TIME, nullable=True),
    )
    op.create_index(
        "bulk_items_to_do", "bulk_items", ["bulk_action_id", "position"], postgresql_where=sa.text("done_at IS NULL")
    )


def downgrade() -> None:
    op.drop_table("bulk_items")
    op.drop_table("bulk_actions")
    op.drop_table("running_times")
    op.drop_column("workstations", "used_at")
    op.drop_column("workstations", "running_since")
