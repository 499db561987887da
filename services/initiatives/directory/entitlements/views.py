"""What is asked of entitlements: everything a partner may use and why, and by which ways some partners may use one agreement."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import Date, Row, Select, Text, bindparam, cast, column, func, literal, select, text, tuple_
from sqlalchemy.dialects.postgresql import ARRAY, array
from sqlalchemy.ext.asyncio import AsyncSession

from services.initiatives.directory.entitlements.models import Path
from services.initiatives.directory.entitlements.refusing import refusal
from services.initiatives.directory.models import KnownAgreement
from services.initiatives.directory.views import Read, names_among, survivors_among, visible_to
from services.initiatives.directory.views import partner as known_partner
from shared.auth import Caller
from shared.db import Key
from shared.survivors import kin, survivor

_PASSES_ON: Final = "m.inherits_agreements <> 'no' AND m.role <> 'observer'"
"""Whether anything that the network signs can pass to the member."""

_WAYS: Final = (
    text(
        f"""
    WITH RECURSIVE asked AS (
      SELECT one.id, {survivor("one.id")} AS partner FROM unnest({kin("CAST(:partners AS uuid[])")}) AS one(id)
    ), way(partner, at, memberships, networks, last_day) AS (
      SELECT asked.partner, asked.id, CAST('{{}}' AS uuid[]), CAST('{{}}' AS uuid[]), CAST(NULL AS date) FROM asked
      UNION ALL
      SELECT w.partner, m.network, w.memberships || m.id, w.networks || m.network, least(w.last_day, m.valid_to)
      FROM way w JOIN known_membership m ON m.partner = w.at
      WHERE {_PASSES_ON} AND m.valid_from <= :day AND (m.valid_to IS NULL OR m.valid_to >= :day)
      AND m.network <> w.partner AND NOT m.network = ANY(w.networks)
    )
    SELECT DISTINCT ON (asked.partner, e.agreement) asked.partner, e.agreement, e.lines,
      CASE WHEN told.holds THEN e.party ELSE other.at END AS party,
      way.memberships[1] AS membership, (SELECT m.role FROM known_membership m WHERE m.id = way.memberships[1]) AS role,
      way.networks, least(a.expires_on, CASE WHEN told.holds THEN told.last_day ELSE other.last_day END) AS until
    FROM asked JOIN known_entitlement e ON e.partner = asked.id
    JOIN known_agreement a ON a.id = e.agreement AND a.effective_on <= :day AND (a.expires_on IS NULL OR a.expires_on >= :day)
    CROSS JOIN LATERAL (
      SELECT coalesce(bool_and({_PASSES_ON} AND m.valid_from <= :day AND (m.valid_to IS NULL OR m.valid_to >= :day)), true) AS holds,
        min(m.valid_to) AS last_day
      FROM known_membership m WHERE m.id = ANY(e.memberships)
    ) AS told
    LEFT JOIN LATERAL (
      SELECT w.at, w.memberships, w.networks, w.last_day FROM way w
      WHERE NOT told.holds AND w.partner = asked.partner AND w.at = ANY(a.bound)
      ORDER BY w.last_day DESC NULLS FIRST, cardinality(w.memberships), w.memberships LIMIT 1
    ) AS other ON true
    CROSS JOIN LATERAL (
      SELECT CASE WHEN told.holds THEN e.memberships ELSE other.memberships END AS memberships,
        CASE WHEN told.holds THEN e.networks ELSE other.networks END AS networks
    ) AS way
    WHERE e.held AND (told.holds OR other.at IS NOT NULL)
    ORDER BY asked.partner, e.agreement, cardinality(way.networks), e.id
    """  # noqa: S608 - put together from constants of this service
    )
    .bindparams(bindparam("partners", type_=ARRAY(Key)), bindparam("day", type_=Date))
    .columns(
        column("partner", Key), column("agreement", Key), column("lines", ARRAY(Text)), column("party", Key), column("membership", Key),
        column("role", Text), column("networks", ARRAY(Key)), column("until", Date),
    )
)  # fmt: skip
"""THE rule: each entitlement that these partners hold now and whose agreement and way last until the day.

The way is the one that was said; once a membership on it is known not to hold on the day, or to pass nothing on, any other that the
memberships known here give to a party: the owner keeps an entitlement unsaid when another way is left, and withdraws it when there is
none. A merged partner holds what the one it was merged into holds, and the other way round; of two such entitlements the shorter way is
told.
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """Which entitlements are asked for: a partner's, to a day. ``after`` is the last (agreement, party, line) seen."""

    partner: str
    on: date
    after: tuple[str, str, str] | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True)
class Use:
    """What some partners are to use: a line of an agreement, on a day."""

    line: str
    on: date


async def entitlements(read: Read, caller: Caller, asked: Asked, today: date) -> Sequence[Row[Any]]:
    """Each line of each agreement that the partner may use and the caller may see, with way and names; raises NotFound.

    The order is (agreement, party, line). One statement, if anything is found.
    """
    rows: Sequence[Row[Any]] = (await read.execute(_lines(caller, asked, today))).all()
    if not rows:
        await known_partner(read, asked.partner)
    return rows


async def entitled(session: AsyncSession, agreement: Row[Any], partners: Sequence[str], use: Use) -> dict[str, Path]:
    """For each partner, by the id it has now, how it comes to use the line on that day.

    Raises NotEntitled naming every partner that may not, what it lacks and what would help.
    """
    way = _ways(partners, use.on)
    rows = await session.execute(select(*way.c).where(way.c.agreement == agreement.id, literal(use.line, Text) == func.any(way.c.lines)))
    found = {row.partner: Path(row.partner, row.party, row.membership, row.role, row.until, tuple(row.networks)) for row in rows}
    without = [partner for partner in partners if partner not in found]
    if without:
        raise await refusal(session, agreement, without, use.on)
    return found


def _ways(partners: Sequence[str], on: date) -> Any:
    return _WAYS.bindparams(partners=list(partners), day=on).subquery("way")


def _lines(caller: Caller, asked: Asked, today: date) -> Select[Any]:
    way, known = _ways([asked.partner], asked.on), KnownAgreement
    each = func.jsonb_to_recordset(known.lines).table_valued(column("line", Text), name="each").render_derived(with_types=True)
    line = each.c.line
    named = func.array_cat(way.c.networks, array([way.c.party, way.c.partner]), type_=ARRAY(Key))
    told = (names_among(named).label("names"), survivors_among(named).label("survivors"))
    lines = (
        select(*way.c, known.code, known.titles, known.parties, line, *told)
        .join(known, known.id == way.c.agreement)
        .join(each, line == func.any(way.c.lines))
        .where(visible_to(caller, known.visibility, known.audience, today))
    )
    place = (cast(way.c.agreement, Text), cast(way.c.party, Text), line)
    if asked.after is not None:
        lines = lines.where(tuple_(*place) > tuple_(*(literal(part, Text) for part in asked.after)))
    return lines.order_by(*place).limit(asked.limit)
