"""access: a client has a version and up to two secrets at a time.

The digest that ``client`` holds is copied and no longer read; the column stays, empty for new clients, for processes of the release
before, and is dropped in the next one. A client that such a process makes meanwhile has no secret here: make it one.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("client", sa.Column("version", sa.Integer(), server_default="1", nullable=False))
    op.add_column("client", sa.Column("sequence", sa.Integer(), server_default="0", nullable=False))
    op.add_column("client", sa.Column("tokens_since", sa.DateTime(timezone=True), nullable=True))
    op.create_index("ix_client_tokens_since", "client", ["tokens_since"], unique=False, postgresql_where=sa.text("tokens_since IS NOT NULL"))
    op.alter_column("client", "secret_sha256", existing_type=sa.LargeBinary(), server_default=sa.text("'\\x'::bytea"))
    op.create_table(
        "client_secret",
        sa.Column("client", sa.Text(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["client"], ["client.id"], name=op.f("fk_client_secret_client_client")),
        sa.PrimaryKeyConstraint("client", "n", name=op.f("pk_client_secret")),
    )
    op.execute(
        "INSERT INTO client_secret (client, n, sha256, created_at, last_used_at) "
        "SELECT id, 1, secret_sha256, created_at, last_used_at FROM client"
    )
