"""What is asked of entitlements: everything a partner may use and why, and by which ways some partners may use one agreement."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import Date, Row, Select, Text, bindparam, cast, column, func, literal, select, text, tuple_
from sqlalchemy.dialects.postgresql import ARRAY, array
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from services.initiatives.directory.entitlements.models import Path
from services.initiatives.directory.entitlements.refusing import refusal
from services.initiatives.directory.models import KnownAgreement, KnownPartner
from services.initiatives.directory.views import Read, names_among, visible_to
from shared.auth import Caller
from shared.db import Key
from shared.refusals import NotFound

_WAYS: Final = (
    text("""
    WITH RECURSIVE way(partner, at, memberships, networks, last_day) AS (
      SELECT asked, asked, CAST('{}' AS uuid[]), CAST('{}' AS uuid[]), CAST(NULL AS date) FROM unnest(CAST(:partners AS uuid[])) AS asked
      UNION ALL
      SELECT w.partner, m.network, w.memberships || m.id, w.networks || m.network, least(w.last_day, m.valid_to)
      FROM way w JOIN known_membership m ON m.partner = w.at
      WHERE m.inherits_agreements <> 'no' AND m.valid_from <= :day AND (m.valid_to IS NULL OR m.valid_to >= :day)
      AND m.network <> w.partner AND NOT m.network = ANY(w.networks)
    )
    SELECT e.partner, e.agreement, e.lines, CASE WHEN told.holds THEN e.party ELSE other.at END AS party,
      way.memberships[1] AS membership, (SELECT m.role FROM known_membership m WHERE m.id = way.memberships[1]) AS role,
      way.networks, least(a.expires_on, CASE WHEN told.holds THEN told.last_day ELSE other.last_day END) AS until
    FROM known_entitlement e
    JOIN known_agreement a ON a.id = e.agreement AND a.effective_on <= :day AND (a.expires_on IS NULL OR a.expires_on >= :day)
    CROSS JOIN LATERAL (
      SELECT coalesce(bool_and(m.valid_from <= :day AND (m.valid_to IS NULL OR m.valid_to >= :day)), true) AS holds,
        min(m.valid_to) AS last_day
      FROM known_membership m WHERE m.id = ANY(e.memberships)
    ) AS told
    LEFT JOIN LATERAL (
      SELECT w.at, w.memberships, w.networks, w.last_day FROM way w
      WHERE NOT told.holds AND w.partner = e.partner AND w.at = ANY(a.bound)
      ORDER BY w.last_day DESC NULLS FIRST, cardinality(w.memberships), w.memberships LIMIT 1
    ) AS other ON true
    CROSS JOIN LATERAL (
      SELECT CASE WHEN told.holds THEN e.memberships ELSE other.memberships END AS memberships,
        CASE WHEN told.holds THEN e.networks ELSE other.networks END AS networks
    ) AS way
    WHERE e.held AND e.partner = ANY(:partners) AND (told.holds OR other.at IS NOT NULL)
    """)
    .bindparams(bindparam("partners", type_=ARRAY(Key)), bindparam("day", type_=Date))
    .columns(
        column("partner", Key), column("agreement", Key), column("lines", ARRAY(Text)), column("party", Key), column("membership", Key),
        column("role", Text), column("networks", ARRAY(Key)), column("until", Date),
    )
)  # fmt: skip
"""THE rule: each entitlement that these partners hold now and whose agreement and way last until the day.

The way is the one that was said; once a membership on it is known not to hold on the day, any other that the memberships known here
give to a party: the owner keeps an entitlement unsaid when another way is left, and withdraws it when there is none.
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

    The order is (agreement, party, line). One statement, whatever is found.
    """
    partner = aliased(KnownPartner)
    found = _lines(caller, asked, today).subquery("found")
    rows = (
        await read.execute(
            select(*found.c)
            .join_from(partner, found, found.c.partner == partner.id, isouter=True)
            .where(partner.id == asked.partner)
            .order_by(cast(found.c.agreement, Text), cast(found.c.party, Text), found.c.line)
        )
    ).all()
    if not rows:
        raise NotFound(f"No partner {asked.partner} is known here.", fix="Look the id up in the partners service.")
    return [row for row in rows if row.agreement is not None]


async def entitled(session: AsyncSession, agreement: Row[Any], partners: Sequence[str], use: Use) -> dict[str, Path]:
    """For each partner how it comes to use the line on that day.

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
    names = names_among(func.array_cat(way.c.networks, array([way.c.party, way.c.partner]), type_=ARRAY(Key)))
    lines = (
        select(*way.c, known.code, known.titles, known.parties, line, names.label("names"))
        .join(known, known.id == way.c.agreement)
        .join(each, line == func.any(way.c.lines))
        .where(visible_to(caller, known.visibility, known.audience, today))
    )
    place = (cast(way.c.agreement, Text), cast(way.c.party, Text), line)
    if asked.after is not None:
        lines = lines.where(tuple_(*place) > tuple_(*(literal(part, Text) for part in asked.after)))
    return lines.order_by(*place).limit(asked.limit)
