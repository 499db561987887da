"""standing: which partners were suspended or archived, and so may not act now.

A table that no running code reads or fills yet, so it needs no more than to be there. Whoever is not in it is active: what is told
from now on is kept by itself, and what was told before the change comes with a rebuild of the directory, as the change log says.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "partner_standing",
        sa.Column("id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("heard_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_partner_standing")),
    )
