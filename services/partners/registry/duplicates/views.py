"""Who might be meant: the partners of a country whose names are near those of a new one."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final, Self

from sqlalchemy import Text, bindparam, column, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from services.partners.registry.duplicates.models import Known, Likeness, Newcomers, likenesses
from services.partners.registry.models import Partner
from shared.db import Key
from shared.sandbox import IN_SANDBOX, in_sandbox

MOST_SUSPECTS: Final = 10
MOST_COMPARED: Final = 30
"""How many partners are compared that bear the very name, how many with one near it, and how many with one misspelt."""

_WAYS: Final = {"same": "folded && w.texts", "near": "grams && w.texts", "misspelt": "grams @> w.texts"}
# Reading the table, or all of a country, until so many rows are found looks cheap to the planner; comparing arrays row by row is not.
# So there is no scan, and no index that the country (hence the empty text behind it) or the kind could be looked up in.
_PROBES: Final = " UNION ALL ".join(
    f"SELECT w.id AS who, w.how, near.id FROM wanted AS w CROSS JOIN LATERAL (SELECT p.id FROM partner AS p WHERE p.{near} "  # noqa: S608 - of our own words alone
    "AND p.country || '' = w.country AND (w.kind IS NULL OR p.kind || '' = w.kind) AND p.id <> w.id "
    f"AND ({IN_SANDBOX.format('p.id')}) = w.sandbox LIMIT {MOST_COMPARED}) AS near WHERE w.how = '{how}'"
    for how, near in _WAYS.items()
)
_FOUND: Final = (
    text(
        "WITH wanted AS MATERIALIZED (SELECT * FROM jsonb_to_recordset(:wanted) "  # noqa: S608 - as said above
        "AS w(how text, id uuid, country text, kind text, sandbox boolean, texts text[])) "
        "SELECT found.who, found.how, p.id, p.state, p.kind, p.names, p.acronym, p.aliases, p.locality "
        f"FROM (SELECT DISTINCT probed.who, probed.how, probed.id FROM ({_PROBES}) AS probed) AS found JOIN partner AS p ON p.id = found.id"
    )
    .bindparams(bindparam("wanted", type_=JSONB))
    .columns(
        column("who", Key), column("how"), column("id", Key), column("state", Text), column("kind", Text), column("names", JSONB),
        column("acronym", Text), column("aliases", JSONB), column("locality", Text),
    )
)  # fmt: skip


async def suspected_duplicates(session: AsyncSession, partner: Partner) -> list[dict[str, Any]]:
    """The partners of its country that this new one might be, most likely first: who, how likely, and because of which names."""
    return (await Lookout.over(session, [partner])).suspects(partner)


class Lookout:
    """Sees whom some partners might be, asked for all of them at once: those on record, and those of them that were let in before."""

    def __init__(self, known: Mapping[str, Known], found: Mapping[str, dict[str, Mapping[Any, Any]]]) -> None:
        """Compare these partners, by id, with what was found on record near each."""
        self._known = dict(known)
        self._found = found
        self._newcomers = Newcomers()

    @classmethod
    async def over(cls, session: AsyncSession, partners: Sequence[Partner]) -> Self:
        """See whom any of these might be."""
        known = {partner.id: Known.of(partner.profile().said()) for partner in partners}
        wanted = [one for partner in partners for one in _wanted(partner, known[partner.id])]
        found: dict[str, dict[str, Mapping[Any, Any]]] = {partner.id: {} for partner in partners}
        compared: Counter[tuple[str, str]] = Counter()
        if wanted:
            await session.execute(text("SET LOCAL enable_seqscan = off"))
            rows = (await session.execute(_FOUND, {"wanted": wanted})).mappings().all()
            await session.execute(text("SET LOCAL enable_seqscan = on"))
            for row in rows:
                compared[row["who"], row["how"]] += 1
                if compared[row["who"], row["how"]] <= MOST_COMPARED:
                    found[row["who"]][row["id"]] = {name: row[name] for name in _TOLD}
        return cls(known, found)

    def suspects(self, partner: Partner) -> list[dict[str, Any]]:
        """Whom one of them might be, most likely first."""
        mine = self._known[partner.id]
        beside = islice(self._newcomers.near(_place(partner), mine, partner.folded), 2 * MOST_COMPARED)
        rows = [*self._found[partner.id].values(), *map(_told, beside)]
        judged = [(likenesses(mine, self._known_as(row)), row) for row in rows]
        suspects = sorted((one for one in judged if one[0]), key=lambda one: (-one[0][0].score, one[1]["id"]))
        return [_suspect(row, because) for because, row in suspects[:MOST_SUSPECTS]]

    def admit(self, partner: Partner) -> None:
        """It is on record from now on: whoever comes after it may be it."""
        self._newcomers.add(_place(partner), partner)

    def _known_as(self, row: Mapping[Any, Any]) -> Known:
        if row["id"] not in self._known:
            self._known[row["id"]] = Known.of(row)
        return self._known[row["id"]]


_TOLD: Final = ("id", "state", "kind", "names", "acronym", "aliases", "locality")


def _place(partner: Partner) -> str:
    """Where somebody is compared with others: a country of one of the two worlds."""
    return f"{partner.country} {in_sandbox(partner.id)}"


def _told(partner: Any) -> dict[str, Any]:
    return {name: getattr(partner, name) for name in _TOLD}


def _wanted(partner: Partner, mine: Known) -> Iterator[dict[str, Any]]:
    """What is looked for: the very names, any near one, and each way in which one may be misspelt."""
    place = {"id": partner.id, "country": partner.country, "sandbox": in_sandbox(partner.id)}
    if partner.folded:
        yield {**place, "how": "same", "kind": None, "texts": partner.folded}
    yield {**place, "how": "near", "kind": None, "texts": sorted(mine.marks())}
    for same_kind, grams in mine.misspelt():
        yield {**place, "how": "misspelt", "kind": mine.kind if same_kind else None, "texts": sorted(grams)}


def _suspect(row: Mapping[str, Any], because: list[Likeness]) -> dict[str, Any]:
    reasons = [{"yours": one.yours, "theirs": one.theirs, "how": str(one.how)} for one in because]
    return {**row, "score": because[0].score, "because": reasons}
