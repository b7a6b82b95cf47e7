"""What was seen of capacity in each zone, and the placements that a run may try and has tried."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "zone_capacities",
        sa.Column("zone", sa.String(), primary_key=True),
        sa.Column("machine_type", sa.String(), primary_key=True),
        sa.Column("spot", sa.Boolean(), primary_key=True),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("none_at", sa.DateTime(timezone=True), nullable=True),
    )
    for name in ("alternatives", "tried_placements"):
        op.add_column("runs", sa.Column(name, JSONB(), nullable=False, server_default="[]"))


def downgrade() -> None:
    op.drop_column("runs", "tried_placements")
    op.drop_column("runs", "alternatives")
    op.drop_table("zone_capacities")
