"""Which database of the shared stack a state has."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("state_versions", sa.Column("sql_generation", sa.Integer(), nullable=True))


def downgrade() -> None:
    op.drop_column("state_versions", "sql_generation")
