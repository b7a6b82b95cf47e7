"""Names in the shared stack that are the members' own, whatever becomes of their addresses."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def of_address(email: str) -> str:
    """The name until now: by the address alone."""
    local = email.partition("@")[0].lower()
    name = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in local).strip("-")
    return name[:32] if name[:1].isalpha() else f"u-{name}"[:32]


def upgrade() -> None:
    op.add_column("members", sa.Column("account_name", sa.String(), nullable=True))
    taken: set[str] = set()
    connection = op.get_bind()
    # Whoever was first keeps the name, and with it the service account: their machines act as it.
    for member_id, email in connection.execute(sa.text("SELECT id, email FROM members ORDER BY created_at, id")).all():
        name = of_address(email)
        own = f"{name[:21]}-{member_id}" if name in taken else name
        taken.add(own)
        update = sa.text("UPDATE members SET account_name = :name WHERE id = :id")
        connection.execute(update, {"name": own, "id": member_id})
    op.alter_column("members", "account_name", nullable=False)
    op.create_unique_constraint(op.f("uq_members_account_name"), "members", ["account_name"])


def downgrade() -> None:
    op.drop_column("members", "account_name")
