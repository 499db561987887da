"""Who is looked for: candidates by the index, a bounded number whatever is asked, ranked by how well their names answer."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Text, and_, cast, or_, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from services.partners.registry.models import Partner
from services.partners.registry.names.models import fold
from services.partners.registry.search.models import Query
from services.partners.registry.views import partners_by_id

MOST_CANDIDATES: Final = 200
"""How many partners each question to the index may bring to be ranked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """What is looked for, among which partners (None: all), and how many at most."""

    query: Query
    country: str | None = None
    kind: str | None = None
    limit: int


async def partners_like(reader: AsyncConnection, sought: Sought) -> list[dict[str, Any]]:
    """The partners that answer best, each with its ``score`` and the name or identifier that ``matched``."""
    best = await _best(reader, sought)
    known = await partners_by_id(reader, list(best))
    return [{**known[one], "score": round(best[one], 3), "matched": _matched(sought.query, known[one])} for one in best if one in known]


async def _best(reader: AsyncConnection, sought: Sought) -> dict[str, float]:
    scores: dict[str, float] = {}
    for place, condition in enumerate(_conditions(sought.query)):
        asked = select(Partner.id, Partner.kind, Partner.folded).where(condition, *_among(sought)).limit(MOST_CANDIDATES)
        # Who was found by a very name or key answers wholly, whatever else is in the names.
        least = 0.0 if place else 0.99
        scores = {row.id: max(sought.query.answered(row.folded, row.kind), least) for row in await reader.execute(asked)} | scores
        answers = {one: score for one, score in scores.items() if score}
        if place and len(answers) >= sought.limit:
            break
    ranked = sorted(answers, key=lambda one: (-answers[one], one))
    return {one: answers[one] for one in ranked[: sought.limit]}


def _conditions(query: Query) -> Iterator[ColumnElement[bool]]:
    """What to ask the index, the most telling first: the very name or key, a name of that word alone, all words, any word."""
    yield _any(query.exact())
    words = [or_(*map(_all, alternatives)) for alternatives in query.alternatives()]
    if query.lone():
        yield and_(_any(query.lone()), words[0])
    if words:
        yield and_(*words)
    if len(words) > 1:
        yield or_(*words)


def _among(sought: Sought) -> Iterator[ColumnElement[bool]]:
    if sought.country is not None:
        yield Partner.country == sought.country
    if sought.kind is not None:
        yield Partner.kind == sought.kind


def _matched(query: Query, partner: Mapping[str, Any]) -> str:
    for key in partner["identifiers"]:
        if query.is_key(key["scheme"], key["value"]):
            return f"{key['scheme']}:{key['value']}"
    texts = [*partner["names"].values(), *(alias["text"] for alias in partner["aliases"]), *filter(None, [partner["acronym"]])]
    return str(max(texts, key=lambda text: query.answered([fold(text)], partner["kind"])))


def _any(marks: Iterable[str]) -> ColumnElement[bool]:
    return Partner.grams.bool_op("&&")(cast(sorted(marks), ARRAY(Text)))


def _all(marks: Iterable[str]) -> ColumnElement[bool]:
    return Partner.grams.bool_op("@>")(cast(sorted(marks), ARRAY(Text)))
