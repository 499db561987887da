"""following: what the partners service says of entitlements, and of merged partners.

Tables that no running code reads or fills yet, so they need no more than to be there. Nothing is carried over into them: entitlements
bear the owner's ids, and the consumer that fills them is new, so it starts from the first fact by itself; of merges nobody has told yet.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "known_entitlement",
        sa.Column("id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("partner", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("agreement", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("lines", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("party", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("memberships", postgresql.ARRAY(sa.Uuid(as_uuid=False)), nullable=False),
        sa.Column("networks", postgresql.ARRAY(sa.Uuid(as_uuid=False)), nullable=False),
        sa.Column("held", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("heard_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_known_entitlement")),
    )
    op.create_index("ix_known_entitlement_partner", "known_entitlement", ["partner", "agreement"], unique=False)
    op.create_table(
        "merged_partner",
        sa.Column("id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("merged_into", sa.Uuid(as_uuid=False), nullable=True),
        sa.Column("survivor", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("heard_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_merged_partner")),
    )
    op.create_index(op.f("ix_merged_partner_survivor"), "merged_partner", ["survivor"], unique=False)
