"""Google's number of each machine."""

import sqlalchemy as sa
from alembic import op

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("workstations", sa.Column("google_id", sa.String(), nullable=True))
    op.create_index(op.f("ix_workstations_google_id"), "workstations", ["google_id"])


def downgrade() -> None:
    op.drop_index(op.f("ix_workstations_google_id"), table_name="workstations")
    op.drop_column("workstations", "google_id")
