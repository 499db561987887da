"""Who might be meant: the partners of a country whose names are near those of a new one."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from sqlalchemy import ColumnElement, Text, and_, cast, or_, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from services.partners.registry.duplicates.models import Known, Likeness, likenesses
from services.partners.registry.models import Partner
from shared.sandbox import in_sandbox, sandboxed

MOST_SUSPECTS: Final = 10
MOST_COMPARED: Final = 30
"""How many near partners are fetched and compared; as many again that bear the very name."""

_TOLD = (Partner.id, Partner.kind, Partner.names, Partner.acronym, Partner.aliases, Partner.locality)


async def suspected_duplicates(session: AsyncSession, partner: Partner) -> list[dict[str, Any]]:
    """The partners of its country that this new one might be, most likely first: who, how likely, and because of which names."""
    mine = Known.of(partner.profile().said())
    found: dict[str, Mapping[Any, Any]] = {}
    # Reading the table, or all of a country, until so many rows are found looks cheap to the planner; comparing arrays row by row is not.
    # So there is no scan, and no index that the country (hence the empty text behind it) or the kind could be looked up in.
    await session.execute(text("SET LOCAL enable_seqscan = off"))
    world = sandboxed(Partner.id) if in_sandbox(partner.id) else ~sandboxed(Partner.id)
    for near in (_same(partner), _near(mine)):
        asked = select(*_TOLD).where(Partner.country + "" == partner.country, Partner.id != partner.id, world, near)
        with session.no_autoflush:
            rows = await session.execute(asked.limit(MOST_COMPARED))
        found |= {row["id"]: row for row in rows.mappings()}
    await session.execute(text("SET LOCAL enable_seqscan = on"))
    judged = [(likenesses(mine, Known.of(row)), row) for row in found.values()]
    suspects = sorted((one for one in judged if one[0]), key=lambda one: (-one[0][0].score, one[1]["id"]))
    return [_suspect(row, because) for because, row in suspects[:MOST_SUSPECTS]]


def _suspect(row: Mapping[str, Any], because: list[Likeness]) -> dict[str, Any]:
    reasons = [{"yours": one.yours, "theirs": one.theirs, "how": str(one.how)} for one in because]
    return {**row, "score": because[0].score, "because": reasons}


def _same(partner: Partner) -> ColumnElement[bool]:
    return Partner.folded.bool_op("&&")(_texts(partner.folded))


def _near(mine: Known) -> ColumnElement[bool]:
    wanted = Partner.grams.bool_op("&&")(_texts(mine.marks()))
    misspelt = [
        and_(Partner.grams.bool_op("@>")(_texts(grams)), *([Partner.kind + "" == mine.kind] if same_kind else []))
        for same_kind, grams in mine.misspelt()
    ]
    return or_(wanted, *misspelt)


def _texts(texts: Iterable[str]) -> ColumnElement[Any]:
    return cast(sorted(texts), ARRAY(Text))
