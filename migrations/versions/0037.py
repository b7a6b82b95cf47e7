"""End dates: when a workstation is stopped and deleted, and the team's policy of how long that takes."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("workstations", sa.Column("ends_on", sa.Date(), nullable=True))
    op.add_column("workstations", sa.Column("end_reminded", sa.Integer(), nullable=True))
    op.add_column("workstations", sa.Column("deletes_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("workstations", sa.Column("kept_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("team", sa.Column("policy", JSONB(), server_default="{}", nullable=False))


def downgrade() -> None:
    op.drop_column("team", "policy")
    op.drop_column("workstations", "kept_at")
    op.drop_column("workstations", "deletes_at")
    op.drop_column("workstations", "end_reminded")
    op.drop_column("workstations", "ends_on")
