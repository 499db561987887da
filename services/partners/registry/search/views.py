"""Who is looked for: candidates by the index, a bounded number whatever is asked, ranked by how well their names answer."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.partners.registry.names.models import mark, sound
from services.partners.registry.search.models import Query
from services.partners.registry.views import partners_by_id
from shared.auth import Caller
from shared.db import Key
from shared.sandbox import IN_SANDBOX

_Question = list[list[tuple[str, AbstractSet[str]]]]
"""What the index is asked: of each inner list one must hold, ``&&`` (any of these marks) or ``@>`` (all of them)."""

MOST_CANDIDATES: Final = 100
"""How many partners each question to the index may bring to be ranked."""
ALONE: Final = ("=", "@city")
"""What marks a name that is this one word, or what a city is called and this word: of short names, the most looked for."""
ENOUGH: Final = 5
"""With so many answers no less telling question is asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """What is looked for, among which partners (None: all; ``sandbox`` those for trying out, else the real ones), how many, and by whom.

    ``caller`` is None for the operator.
    """

    query: Query
    country: str | None = None
    kind: str | None = None
    sandbox: bool = False
    limit: int
    caller: Caller | None = None


async def partners_like(reader: AsyncConnection, sought: Sought) -> list[dict[str, Any]]:
    """The partners that answer best, each with its ``score`` and the name or identifier that ``matched``."""
    # Reading the table, or all of a country, until so many rows are found looks cheap to the planner; comparing arrays row by row is not.
    # So there is no scan, and (below) no index that the country or the kind could be looked up in.
    await reader.execute(text("SET enable_seqscan = off"))
    try:
        best = await _best(reader, sought)
    finally:
        await reader.execute(text("RESET enable_seqscan"))
    known = await partners_by_id(reader, list(best))
    return [{**known[one], "score": round(best[one], 3), "matched": _matched(sought.query, known[one])} for one in best if one in known]


async def _best(reader: AsyncConnection, sought: Sought) -> dict[str, float]:
    scores, answers = dict[str, float](), dict[str, float]()
    well_spelt = False
    for questions, unless_well_spelt in _asked(sought.query):
        if well_spelt and unless_well_spelt:
            continue
        for row in await _candidates(reader, sought, questions):
            if row.id not in scores:
                # Who was found by a very name or key answers wholly, whatever else is in the names.
                scores[row.id] = max(sought.query.answered(row.folded, row.kind, row.locality), 0.99 if row.very else 0.0)
                well_spelt = well_spelt or sought.query.well_spelt(row.folded)
        answers = {one: score for one, score in scores.items() if score}
        if len(answers) >= min(sought.limit, ENOUGH):
            break
    ranked = sorted(answers, key=lambda one: (-answers[one], one))
    return {one: answers[one] for one in ranked[: sought.limit]}


def _asked(query: Query) -> Iterator[tuple[list[_Question], bool]]:
    """What to ask the index at a time, the most telling first, and whether only if nobody yet has the words as they are written.

    The very name or key, a name of that word alone or beside what its kind is called, all words; one of them misspelt; any word.
    """
    words: _Question = [[("@>", marks) for marks in alternatives] for alternatives in query.alternatives()]
    lone: _Question = [[("&&", query.lone())], *words] if query.lone() else []
    kindred: _Question = [[("&&", query.kindred())]] if query.kindred() else []
    yield [[[("&&", query.exact())]], lone, kindred, words], False
    yield from ((questions, True) for questions in _misspelt(query))
    if len(query.words) > 1:
        every = [alternative for alternatives in words for alternative in alternatives] if len(words) > 1 else []
        yield [[], [[*every, ("&&", query.abbreviated())]]], False


def _misspelt(query: Query) -> Iterator[list[_Question]]:
    """What to ask for a short word written with one slip: beside the others, well spelt; by itself, a name of that word, then any name."""
    for word, sounds in query.misheard().items():
        others: AbstractSet[str] = {f"~{sound(other)}" for other in query.telling() if other != word}
        if others:
            yield [[], [[("@>", others)], [("&&", _heard(sounds))]]]
        else:
            yield [[], [[("&&", {mark(sign, [heard]) for heard in sounds for sign in ALONE})]]]
            yield [[], [[("&&", _heard(sounds))]]]


def _heard(sounds: Iterable[str]) -> set[str]:
    return {f"~{heard}" for heard in sounds}


async def _candidates(reader: AsyncConnection, sought: Sought, questions: list[_Question]) -> Sequence[Row[Any]]:
    """Some partners for each question, ``very`` those of the first; put together as text, which is soonest done."""
    values: dict[str, Any] = {name: getattr(sought, name) for name in ("country", "kind") if getattr(sought, name) is not None}
    among = [f"({IN_SANDBOX.format('id')}) = {str(sought.sandbox).lower()}", *(f"{name} || '' = :{name}" for name in values)]
    if sought.caller is not None and not sought.caller.is_admin:
        values["caller"] = sought.caller.partner
        among.append("(state <> 'draft' OR id = CAST(:caller AS uuid))")
    selects = []
    for place, question in enumerate(questions):
        where = [*among, *(_either(alternatives, values) for alternatives in question)]
        if question:
            very = "true" if place == 0 else "false"
            told = f"id, kind, folded, locality, {very} AS very"
            selects.append(f"(SELECT {told} FROM partner WHERE {' AND '.join(where)} LIMIT {MOST_CANDIDATES})")  # noqa: S608 - of names and numbers of our own
    return (await reader.execute(text(" UNION ALL ".join(selects)).columns(id=Key), values)).all()


def _either(alternatives: list[tuple[str, AbstractSet[str]]], values: dict[str, Any]) -> str:
    conditions = []
    for sign, marks in alternatives:
        conditions.append(f"grams {sign} CAST(:m{len(values)} AS text[])")
        values[f"m{len(values)}"] = sorted(marks)
    return f"({' OR '.join(conditions)})"


def _matched(query: Query, partner: Mapping[str, Any]) -> str:
    for key in partner["identifiers"]:
        if query.is_key(key["scheme"], key["value"]):
            return f"{key['scheme']}:{key['value']}"
    texts = [*partner["names"].values(), *(alias["text"] for alias in partner["aliases"]), *filter(None, [partner["acronym"]])]
    return query.nearest(map(str, texts), partner["kind"])
