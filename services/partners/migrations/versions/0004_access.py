"""access: a client has a version and up to two secrets at a time; the audit of who did what.

The digest that ``client`` holds is copied and no longer read; the column stays, empty for new clients, for processes of the release
before, and is dropped in the next one. A client that such a process makes meanwhile has no secret here: make it one.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_GUARD = (
    """
CREATE FUNCTION audit_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF OLD.hash IS NULL AND NEW.hash IS NOT NULL AND NEW.n IS NOT NULL AND
            (NEW.seq, NEW.at, NEW.client, NEW.partner, NEW.action, NEW.subject, NEW.outcome, NEW.trace_id) IS NOT DISTINCT FROM
            (OLD.seq, OLD.at, OLD.client, OLD.partner, OLD.action, OLD.subject, OLD.outcome, OLD.trace_id) THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'the audit only grows: % is refused', TG_OP USING ERRCODE = 'restrict_violation';
END $$""",
    "CREATE TRIGGER audit_only_grows BEFORE UPDATE OR DELETE ON audit_entry FOR EACH ROW EXECUTE FUNCTION audit_only_grows()",
    "CREATE TRIGGER audit_never_emptied BEFORE TRUNCATE ON audit_entry FOR EACH STATEMENT EXECUTE FUNCTION audit_only_grows()",
)


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
    op.create_table(
        "audit_entry",
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("client", sa.Text(), nullable=False),
        sa.Column("partner", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("trace_id", sa.Text(), nullable=True),
        sa.Column("n", sa.BigInteger(), nullable=True),
        sa.Column("prev_hash", sa.Text(), nullable=True),
        sa.Column("hash", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit_entry")),
        sa.UniqueConstraint("n", name=op.f("uq_audit_entry_n")),
    )
    op.create_index("ix_audit_entry_partner", "audit_entry", ["partner", "n"], unique=False)
    op.create_index("ix_audit_entry_waiting", "audit_entry", ["seq"], unique=False, postgresql_where=sa.text("n IS NULL"))
    for statement in _GUARD:
        op.execute(statement)
