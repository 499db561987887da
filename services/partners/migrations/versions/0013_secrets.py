"""secrets: those that end are found by when they do, because their tokens end with them.

An index on a table of a few rows for each client: nobody who gets a token waits longer than it takes to read them once.
"""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(op.f("ix_client_secret_expires_at"), "client_secret", ["expires_at"], unique=False)
