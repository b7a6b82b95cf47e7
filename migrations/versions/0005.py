"""The shared stack, allowed IPs, and runs that nobody but the portal asked for."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# Whoever approves now writes the names that the run itself has, and no longer the workstation's.
NAME_WHAT_IS_AWAITED = """
    UPDATE runs SET awaits = (
        SELECT jsonb_agg(change || jsonb_build_object('name', w.name || '-' || w.id || '-home'))
        FROM jsonb_array_elements(runs.awaits) AS change
    )
    FROM workstations AS w
    WHERE w.id = runs.stack_id AND runs.status = 'awaiting_approval' AND jsonb_array_length(runs.awaits) > 0
"""


def upgrade() -> None:
    op.alter_column("runs", "requested_by", nullable=True)
    op.add_column("runs", sa.Column("reason", sa.String(), server_default="", nullable=False))
    op.execute(NAME_WHAT_IS_AWAITED)
    op.create_table(
        "shared_stacks",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("only_one", sa.Boolean(), nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("status_before", sa.String(32), nullable=False),
        sa.Column("settings", postgresql.JSONB(), nullable=False),
        sa.Column("iam_admins", postgresql.JSONB(), nullable=False),
        sa.Column("allowed_ips", postgresql.JSONB(), nullable=False),
        sa.Column("outputs", postgresql.JSONB(), nullable=False),
        sa.Column("sealed_secrets", sa.LargeBinary(), nullable=False),
        sa.Column("secrets_version", sa.Integer(), nullable=False),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("drift_run_id", sa.String(), nullable=True),
        sa.CheckConstraint("only_one", name=op.f("ck_shared_stacks_only_one")),
        sa.ForeignKeyConstraint(["id"], ["stacks.id"], name=op.f("fk_shared_stacks_id_stacks")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shared_stacks")),
        sa.UniqueConstraint("only_one", name=op.f("uq_shared_stacks_only_one")),
    )
    op.create_table(
        "allowed_ips",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("cidr", sa.String(), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("owner_id", sa.String(), nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.String(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["owner_id"], ["members.id"], name=op.f("fk_allowed_ips_owner_id_members")),
        sa.ForeignKeyConstraint(["decided_by"], ["members.id"], name=op.f("fk_allowed_ips_decided_by_members")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_allowed_ips")),
    )
    op.create_index(op.f("ix_allowed_ips_owner_id"), "allowed_ips", ["owner_id"])


def downgrade() -> None:
    op.drop_table("allowed_ips")
    op.drop_table("shared_stacks")
    op.drop_column("runs", "reason")
    op.execute("DELETE FROM runs WHERE requested_by IS NULL")
    op.alter_column("runs", "requested_by", nullable=False)
