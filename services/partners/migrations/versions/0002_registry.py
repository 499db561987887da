"""registry: names are indexed by how they sound, too, and changes of partners are kept."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from services.partners.registry.names.models import indexed

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None

BATCH = 1000


def upgrade() -> None:
    op.create_table('partner_change',
    sa.Column('partner', sa.Uuid(as_uuid=False), nullable=False),
    sa.Column('version', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('client', sa.Text(), nullable=False),
    sa.Column('by_partner', sa.Uuid(as_uuid=False), nullable=False),
    sa.Column('changes', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.ForeignKeyConstraint(['partner'], ['partner.id'], name=op.f('fk_partner_change_partner_partner')),
    sa.PrimaryKeyConstraint('partner', 'version', name=op.f('pk_partner_change'))
    )
    # Read often and written seldom: a list of entries still to be sorted in would be read by every search.
    op.execute('ALTER INDEX ix_partner_grams SET (fastupdate = off)')
    _index_names_anew()


def _index_names_anew() -> None:
    connection = op.get_bind()
    keys = "ARRAY(SELECT scheme || ':' || value FROM external_id WHERE external_id.partner = partner.id)"
    asked = f'SELECT id, names, acronym, aliases, kind, locality, {keys} AS keys FROM partner WHERE id > :after ORDER BY id LIMIT {BATCH}'
    put = sa.text('UPDATE partner SET grams = :grams WHERE id = :id').bindparams(
        sa.bindparam('grams', type_=sa.ARRAY(sa.Text())), sa.bindparam('id', type_=sa.Uuid(as_uuid=False))
    )
    after = '00000000-0000-0000-0000-000000000000'
    while rows := connection.execute(
        sa.text(asked).bindparams(sa.bindparam('after', type_=sa.Uuid(as_uuid=False))), {'after': after}
    ).all():
        connection.execute(put, [{'id': row.id, 'grams': _grams(row)} for row in rows])
        after = rows[-1].id


def _grams(row: Any) -> list[str]:
    texts = [*row.names.values(), *(alias['text'] for alias in row.aliases), *filter(None, [row.acronym])]
    return indexed(texts, row.kind, row.locality, [tuple(key.split(':', 1)) for key in row.keys])
