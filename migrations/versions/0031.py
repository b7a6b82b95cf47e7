"""Security keys, what they have to sign, when a browser's person used one, and whether the team requires them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "security_keys",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("member_id", sa.String(), sa.ForeignKey("members.id", ondelete="CASCADE"), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("domain", sa.String(), nullable=False),
        sa.Column("credential_id", sa.LargeBinary(), nullable=False, unique=True),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("transports", JSONB(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
    )
    op.create_index("ix_security_keys_member_id", "security_keys", ["member_id"])
    op.create_table(
        "security_key_challenges",
        sa.Column("challenge", sa.LargeBinary(), primary_key=True),
        sa.Column("sign_in_id", sa.String(), sa.ForeignKey("sign_ins.id", ondelete="CASCADE"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_security_key_challenges_sign_in_id", "security_key_challenges", ["sign_in_id"])
    op.add_column("sign_ins", sa.Column("key_used_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("team", sa.Column("requires_security_keys", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    op.drop_column("team", "requires_security_keys")
    op.drop_column("sign_ins", "key_used_at")
    op.drop_table("security_key_challenges")
    op.drop_table("security_keys")
