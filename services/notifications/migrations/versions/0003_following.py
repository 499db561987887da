"""following: for whom the ids of merged partners stand.

A table that no running code reads or fills yet, so it needs no more than to be there; of merges nobody has told yet.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "merged_partner",
        sa.Column("id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("merged_into", sa.Uuid(as_uuid=False), nullable=True),
        sa.Column("survivor", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("heard_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_merged_partner")),
    )
    op.create_index(op.f("ix_merged_partner_survivor"), "merged_partner", ["survivor"], unique=False)
