"""merging: two records that are one partner.

What is added is empty: a column that no row fills yet, with its key checked at once because there is nothing to check, and a
table of its own. The release before neither reads nor writes them.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("partner", sa.Column("merged_into", sa.Uuid(as_uuid=False), nullable=True))
    op.create_foreign_key("fk_partner_merged_into_partner", "partner", "partner", ["merged_into"], ["id"])
    op.create_table(
        "partner_merge",
        sa.Column("id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("partner", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("into", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("client", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("undo_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state_before", sa.Text(), nullable=False),
        sa.Column("moved", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("left", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("undone_because", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["into"], ["partner.id"], name=op.f("fk_partner_merge_into_partner")),
        sa.ForeignKeyConstraint(["partner"], ["partner.id"], name=op.f("fk_partner_merge_partner_partner")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_partner_merge")),
    )
    op.create_index("ix_partner_merge_partner", "partner_merge", ["partner", "at"], unique=False)
    op.create_index(
        "uq_partner_merge_standing", "partner_merge", ["partner"], unique=True, postgresql_where=sa.text("undone_at IS NULL")
    )


def downgrade() -> None:
    op.drop_table("partner_merge")
    op.drop_constraint("fk_partner_merged_into_partner", "partner", type_="foreignkey")
    op.drop_column("partner", "merged_into")
