"""An index of allowed IPs by what is around and inside them."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_allowed_ips_network", "allowed_ips", [sa.text("(cidr::inet) inet_ops")], postgresql_using="gist"
    )


def downgrade() -> None:
    op.drop_index("ix_allowed_ips_network", table_name="allowed_ips")
