"""Office hours: what they are, until when they are done, and the day that they skip."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("workstations", sa.Column("office_hours", JSONB(), nullable=True))
    op.add_column("workstations", sa.Column("office_hours_until", sa.DateTime(timezone=True), nullable=True))
    op.add_column("workstations", sa.Column("office_hours_skip", sa.Date(), nullable=True))


def downgrade() -> None:
    op.drop_column("workstations", "office_hours_skip")
    op.drop_column("workstations", "office_hours_until")
    op.drop_column("workstations", "office_hours")
