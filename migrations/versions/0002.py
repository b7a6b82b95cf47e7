"""Runs that survive anything: decisions, cancelling, trying again, plans, and stacks that are not settled.

Every new column that may not be null has a default of the database's, for workers of the release before.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

COLUMNS = (
    sa.Column("changes", postgresql.JSONB(), server_default="{}", nullable=False),
    sa.Column("host", sa.String(), nullable=True),
    sa.Column("interruptions", sa.Integer(), server_default="0", nullable=False),
    sa.Column("retries", sa.Integer(), server_default="0", nullable=False),
    sa.Column("retry_at", sa.DateTime(timezone=True), nullable=True),
    sa.Column("cancel", sa.String(32), nullable=True),
    sa.Column("cancel_at", sa.DateTime(timezone=True), nullable=True),
    sa.Column("cancel_by", sa.String(), nullable=True),
    sa.Column("awaits", postgresql.JSONB(), server_default="[]", nullable=False),
    sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
    sa.Column("approved_by", sa.String(), nullable=True),
)


def upgrade() -> None:
    for column in COLUMNS:
        op.add_column("runs", column)
    for column in ("cancel_by", "approved_by"):
        op.create_foreign_key(op.f(f"fk_runs_{column}_members"), "runs", "members", [column], ["id"])
    op.add_column("stacks", sa.Column("unsettled", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_table(
        "plans",
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("view", postgresql.JSONB(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_plans_run_id_runs"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_plans")),
    )


def downgrade() -> None:
    op.drop_table("plans")
    op.drop_column("stacks", "unsettled")
    for column in reversed(COLUMNS):
        op.drop_column("runs", str(column.name))
