"""standing: where a partner stands: its state, who verified it, its place.

Columns are added that may be empty or have a default of their own, and two tables, so the code that runs meanwhile neither sees nor
misses them. A host that it names meanwhile has no days of its own until it is named again.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("partner", sa.Column("location", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True))
    op.add_column("partner", sa.Column("state_reason", sa.Text(), nullable=True))
    op.add_column("partner", sa.Column("verified", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.add_column("partner", sa.Column("verified_until", sa.Date(), nullable=True))
    op.create_table(
        "verification",
        sa.Column("id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("partner", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("verified_by", sa.Uuid(as_uuid=False), nullable=True),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=False),
        sa.Column("evidence_sha256", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["partner"], ["partner.id"], name=op.f("fk_verification_partner_partner")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_verification")),
    )
    op.create_index("ix_verification_partner", "verification", ["partner", "id"], unique=False)
    op.create_table(
        "hosting",
        sa.Column("partner", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("host", sa.Uuid(as_uuid=False), nullable=False),
        sa.CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name=op.f("ck_hosting_days")),
        sa.ForeignKeyConstraint(["host"], ["partner.id"], name=op.f("fk_hosting_host_partner")),
        sa.ForeignKeyConstraint(["partner"], ["partner.id"], name=op.f("fk_hosting_partner_partner")),
        sa.PrimaryKeyConstraint("partner", "valid_from", name=op.f("pk_hosting")),
    )
    op.create_index("ix_hosting_host", "hosting", ["host"], unique=False)
    # Since when they were hosted nobody wrote down: since they were registered at the latest, until somebody says better.
    op.execute(
        "INSERT INTO hosting (partner, host, valid_from) "
        "SELECT id, hosted_by, (registered_at AT TIME ZONE timezone)::date FROM partner WHERE hosted_by IS NOT NULL"
    )


def downgrade() -> None:
    op.drop_table("hosting")
    op.drop_table("verification")
    for column in ("verified_until", "verified", "state_reason", "location"):
        op.drop_column("partner", column)
