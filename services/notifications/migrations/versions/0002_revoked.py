"""revoked: the clients whose tokens the notifications service refuses.

A table that nobody reads or fills yet, so it needs no more than to be there.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "revoked_client",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_revoked_client")),
    )
    op.create_index(op.f("ix_revoked_client_revoked_at"), "revoked_client", ["revoked_at"], unique=False)
