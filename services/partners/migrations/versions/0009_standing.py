"""standing: where a partner stands: its state, who verified it, its place.

Columns are added that may be empty, so the code that runs meanwhile neither sees nor misses them.
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


def downgrade() -> None:
    op.drop_column("partner", "location")
