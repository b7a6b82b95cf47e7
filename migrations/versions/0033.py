"""What a worker last saw of Google is an inspection: a snapshot is one of a disk."""

from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.rename_table("snapshots", "inspections")
    op.execute("ALTER INDEX pk_snapshots RENAME TO pk_inspections")


def downgrade() -> None:
    op.execute("ALTER INDEX pk_inspections RENAME TO pk_snapshots")
    op.rename_table("inspections", "snapshots")
