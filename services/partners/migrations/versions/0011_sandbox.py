"""sandbox: partners for trying out, and warnings of clients that end.

The sandbox itself is told by the ids of its partners and needs no column. A row is owed for each client that ends and was made before
warnings were: it only adds, rows that are there stay, and a process of the release before leaves rows of a kind it does not know alone.
"""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_ENDS = """
    SELECT c.id, LEAST(c.expires_at, CASE WHEN count(*) = count(s.expires_at) THEN max(s.expires_at) END) AS at
    FROM client c JOIN client_secret s ON s.client = c.id
    WHERE c.partner IS NOT NULL AND c.revoked_at IS NULL
    GROUP BY c.id
"""
_OWED = f"""
    INSERT INTO due (kind, subject, due_at)
    SELECT 'client.expiry_warning', 'client/' || ends.id, first.at
    FROM ({_ENDS}) AS ends
    CROSS JOIN LATERAL (
      SELECT min(at) AS at FROM unnest(ARRAY[ends.at - interval '14 days', ends.at - interval '1 day']) AS warned(at) WHERE at > now()
    ) AS first
    WHERE first.at IS NOT NULL
    ON CONFLICT DO NOTHING
"""  # noqa: S608 - put together from constants


def upgrade() -> None:
    op.execute(_OWED)


def downgrade() -> None:
    pass
