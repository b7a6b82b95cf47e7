"""API tokens with an expiry and a scope. Those that exist keep what they could do, for 90 days from now."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("api_tokens", sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("api_tokens", sa.Column("scope", sa.String(length=32), nullable=True))
    op.execute(
        "UPDATE api_tokens SET expires_at = now() + interval '90 days', "
        "scope = CASE members.role WHEN 'admin' THEN 'admin' ELSE 'machines' END "
        "FROM members WHERE members.id = api_tokens.member_id"
    )
    op.alter_column("api_tokens", "expires_at", nullable=False)
    op.alter_column("api_tokens", "scope", nullable=False)


def downgrade() -> None:
    op.drop_column("api_tokens", "scope")
    op.drop_column("api_tokens", "expires_at")
