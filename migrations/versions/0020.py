"""What Google says of machines, and what became of them outside the portal."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("workstations", sa.Column("google_status", sa.Text(), nullable=True))
    op.add_column("workstations", sa.Column("google_status_since", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "machine_watch",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("worker_id", sa.Text(), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("known_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
    )
    op.create_table(
        "machine_events",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("workstation_id", sa.Text(), sa.ForeignKey("workstations.id"), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.Text(), nullable=True),
    )
    op.create_index("ix_machine_events_workstation_id", "machine_events", ["workstation_id"])


def downgrade() -> None:
    op.drop_table("machine_events")
    op.drop_table("machine_watch")
    op.drop_column("workstations", "google_status_since")
    op.drop_column("workstations", "google_status")
