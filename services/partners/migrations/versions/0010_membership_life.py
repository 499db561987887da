"""membership_life: a membership's life from application to lapse.

Adds columns with constant defaults, so no table is rewritten and processes of the version before go on reading and writing: what they
write is approved, without grace, as they mean it. They do not know applications, which only the new version writes: roll all out before
telling anybody of them. What exists keeps its meaning: what was over stays untold, and what has an end that a deed may have given it
(more than its first fact is on record) ends on that day without warning. The due rows let the worker find the next day of the others;
they are of a kind that only the new version knows, and one row a membership that still has a last day ahead.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("membership", sa.Column("state", sa.Text(), server_default="approved", nullable=False))
    op.add_column("membership", sa.Column("grace_days", sa.Integer(), server_default=sa.text("0"), nullable=False))
    op.add_column("membership", sa.Column("ended", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.add_column("membership", sa.Column("applied_on", sa.Date(), nullable=True))
    op.add_column("membership", sa.Column("suspended_on", sa.Date(), nullable=True))
    op.add_column("membership", sa.Column("told", sa.Text(), nullable=True))
    op.add_column("membership", sa.Column("message", sa.Text(), nullable=True))
    op.execute("UPDATE membership SET ended = valid_to IS NOT NULL AND sequence > 1, told = CASE WHEN valid_to < current_date THEN 'lapsed' END")
    op.execute(
        "INSERT INTO due (kind, subject, due_at) SELECT 'membership.renewable', 'membership/' || id, now() FROM membership "
        "WHERE valid_to >= current_date AND NOT ended"
    )
