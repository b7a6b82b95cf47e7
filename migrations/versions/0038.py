"""Runs that wait for capacity, and for how long a workstation's may."""

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

EXECUTING = "one_executing_run_a_stack"
BEFORE = "status IN ('planning', 'awaiting_approval', 'applying', 'interrupted')"
AFTER = "status IN ('planning', 'awaiting_approval', 'applying', 'waiting_for_capacity', 'interrupted')"


def upgrade() -> None:
    for table in ("runs", "workstations"):
        op.add_column(table, sa.Column("wait_hours", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("runs", sa.Column("waiting_since", sa.DateTime(timezone=True), nullable=True))
    op.add_column("runs", sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("runs", sa.Column("rounds", sa.Integer(), nullable=False, server_default="0"))
    _index(AFTER)


def downgrade() -> None:
    _index(BEFORE)
    for name in ("rounds", "next_try_at", "waiting_since"):
        op.drop_column("runs", name)
    for table in ("workstations", "runs"):
        op.drop_column(table, "wait_hours")


def _index(where: str) -> None:
    op.drop_index(EXECUTING, "runs")
    op.create_index(EXECUTING, "runs", ["stack_id"], unique=True, postgresql_where=sa.text(where))
