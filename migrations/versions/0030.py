"""Running times by month first: lists are of one month."""

from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_constraint("pk_running_times", "running_times")
    op.create_primary_key("pk_running_times", "running_times", ["month", "workstation_id"])


def downgrade() -> None:
    op.drop_constraint("pk_running_times", "running_times")
    op.create_primary_key("pk_running_times", "running_times", ["workstation_id", "month"])
