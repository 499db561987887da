"""registry: names are indexed anew: abbreviations with dots, saints, words written as one, and what a capital or a great city is called.

Only what is derived from a partner's names changes (`folded`, `grams`): no version, no fact. Each batch is committed by itself, so that
nobody who changes a partner waits for more than one; a row changed meanwhile is left as that change indexed it; killed halfway, it
begins again and comes to the same. Whoever is found by no name (merged into another, or an archived draft) stays so. A process of the
release before reads all of it and, until it ends, indexes in its own way.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from services.partners.registry.names.models import fold, indexed

revision = '0012'
down_revision = '0011'
branch_labels = None
depends_on = None

BATCH = 1000


def upgrade() -> None:
    with op.get_context().autocommit_block():
        index_anew(op.get_bind())


def index_anew(connection: sa.Connection, batch: int = BATCH) -> None:
    keys = "ARRAY(SELECT scheme || ':' || value FROM external_id WHERE external_id.partner = partner.id)"
    told = f'id, version, names, acronym, aliases, kind, locality, {keys} AS keys'
    one, many = sa.Uuid(as_uuid=False), sa.ARRAY(sa.Text())
    asked = sa.text(f'SELECT {told} FROM partner WHERE id > :after AND cardinality(grams) > 0 ORDER BY id LIMIT {batch}')
    asked = asked.bindparams(sa.bindparam('after', type_=one))
    put = sa.text('UPDATE partner SET folded = :folded, grams = :grams WHERE id = :id AND version = :version').bindparams(
        sa.bindparam('folded', type_=many), sa.bindparam('grams', type_=many), sa.bindparam('id', type_=one)
    )
    after = '00000000-0000-0000-0000-000000000000'
    while rows := connection.execute(asked, {'after': after}).all():
        connection.execute(put, [_put(row) for row in rows])
        after = rows[-1].id


def _put(row: Any) -> dict[str, Any]:
    texts = [*row.names.values(), *(alias['text'] for alias in row.aliases), *filter(None, [row.acronym])]
    grams = indexed(texts, row.kind, row.locality, [tuple(key.split(':', 1)) for key in row.keys])
    return {'id': row.id, 'version': row.version, 'folded': sorted(set(filter(None, map(fold, texts)))), 'grams': grams}
