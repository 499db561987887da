"""What is asked of entitlements: everything a partner may use on a day and why, and who of some partners may not and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Date, Result, Row, Select, Text, cast, column, func, literal, null, select, tuple_, union_all
from sqlalchemy.dialects.postgresql import array, distinct_on
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from services.initiatives.directory.entitlements.models import NotEntitled, Path
from services.initiatives.directory.models import KnownAgreement, KnownMembership, KnownPartner
from services.initiatives.directory.views import Read, ids, in_force_on, said, valid_on, visible_to
from shared.auth import Caller
from shared.db import Key
from shared.refusals import NotFound

Seats = Select[Any, Any, Any, Any, Any]
"""Who sits where: partner, party, membership, role in the network, last day of the membership."""

_OUTSIDE = "or flag the exchange outside_agreement and say why."


@dataclass(frozen=True, slots=True)
class Asked:
    """Which entitlements are asked for: a partner's on a day. ``after`` is the last (agreement, party, line) seen."""

    partner: str
    on: date
    after: tuple[str, str, str] | None = None
    limit: int = 50


def paths(partners: Sequence[str], on: date) -> Select[Any]:
    """THE rule: each way by which each of these partners may use each agreement on a day.

    A partner may use an agreement in force that binds it as a party, or that binds a network of which it is on that day a
    member whose membership inherits agreements by itself (``auto``; ``opt_in`` and ``no`` pass nothing on).
    """
    seat = union_all(_as_party(partners), _as_member(partners, on)).subquery("seat")
    until = func.least(KnownAgreement.expires_on, seat.c.last_day).label("until")
    return (
        select(seat.c.partner, seat.c.party, seat.c.membership, seat.c.role, KnownAgreement.id.label("agreement"), until)
        .join(KnownAgreement, KnownAgreement.bound.contains(array([seat.c.party])))
        .where(in_force_on(on))
        .ext(distinct_on(seat.c.partner, KnownAgreement.id, seat.c.party))
        .order_by(seat.c.partner, KnownAgreement.id, seat.c.party, seat.c.membership)
    )


def _as_party(partners: Sequence[str]) -> Seats:
    asked = func.unnest(ids(partners), type_=Key).column_valued("asked")
    nothing = (cast(null(), Key).label("membership"), cast(null(), Text).label("role"), cast(null(), Date).label("last_day"))
    return select(asked.label("partner"), asked.label("party"), *nothing)


def _as_member(partners: Sequence[str], on: date) -> Seats:
    member = KnownMembership
    return select(member.partner, member.network, member.id, member.role, member.valid_to).where(
        member.partner == func.any(ids(partners)), member.inherits_agreements == "auto", valid_on(on)
    )


async def entitlements(read: Read, caller: Caller, asked: Asked, today: date) -> Sequence[Row[Any]]:
    """Each line of each agreement that the partner may use and the caller may see, with path and names; raises NotFound.

    The order is (agreement, party, line). One statement, whatever is found.
    """
    partner = aliased(KnownPartner)
    found = _lines(caller, asked, today).subquery("found")
    rows = (
        await read.execute(
            select(partner.names.label("partner_names"), *found.c)
            .join_from(partner, found, found.c.partner == partner.id, isouter=True)
            .where(partner.id == asked.partner)
            .order_by(cast(found.c.agreement, Text), cast(found.c.party, Text), found.c.line)
        )
    ).all()
    if not rows:
        raise NotFound(f"No partner {asked.partner} is known here.", fix="Look the id up in the partners service.")
    return [row for row in rows if row.agreement is not None]


def _lines(caller: Caller, asked: Asked, today: date) -> Select[Any]:
    path = paths([asked.partner], asked.on).subquery("path")
    known, network = KnownAgreement, aliased(KnownPartner)
    each = func.jsonb_to_recordset(known.lines).table_valued(column("line", Text), name="each").render_derived(with_types=True)
    line = each.c.line
    lines = (
        select(*path.c, known.code, known.titles, known.parties, line, network.names.label("party_names"))
        .join(known, known.id == path.c.agreement)
        .join(network, network.id == path.c.party, isouter=True)
        .join(each, literal(True))
        .where(visible_to(caller, known.visibility, known.audience, today))
    )
    place = (cast(path.c.agreement, Text), cast(path.c.party, Text), line)
    if asked.after is not None:
        lines = lines.where(tuple_(*place) > tuple_(*(literal(part, Text) for part in asked.after)))
    return lines.order_by(*place).limit(asked.limit)


async def entitled(session: AsyncSession, agreement: Row[Any], partners: Sequence[str], on: date) -> dict[str, Path]:
    """For each partner how it comes to the agreement on that day, being party before being member.

    Raises NotEntitled naming every partner that does not, what it lacks and what would help.
    """
    rows = (await session.execute(paths(partners, on).where(KnownAgreement.id == agreement.id))).all()
    best: dict[str, Path] = {}
    for row in rows:
        path = Path(row.partner, row.party, row.membership, row.role, row.until)
        if row.partner not in best or path.membership is None:
            best[row.partner] = path
    without = [partner for partner in partners if partner not in best]
    if without:
        raise await _refusal(session, agreement, without, on)
    return best


async def _refusal(session: AsyncSession, agreement: Row[Any], without: Sequence[str], on: date) -> NotEntitled:
    title = f"“{said(agreement.titles)}” ({agreement.code})"
    known = await session.execute(select(KnownPartner.id, KnownPartner.names).where(KnownPartner.id == func.any(ids(without))))
    names = {row.id: said(row.names) for row in known}
    memberships = await _memberships(session, agreement.bound, without)
    missing = []
    for partner in without:
        lacks, fix = _not_in_force(agreement, on) or _not_through(memberships.get(partner, []), on) or _no_tie(agreement, partner)
        missing.append({"partner": partner, "name": names.get(partner, partner), "missing": lacks, "fix": fix})
    first = missing[0]
    others = f" (and {len(missing) - 1} more, see 'missing')" if len(missing) > 1 else ""
    return NotEntitled(
        f"{first['name']} may not take part under {title} on {on}: {first['missing']}{others}.",
        field="/agreement",
        fix=f"{first['fix']}, {_OUTSIDE}",
        missing=missing,
    )


async def _memberships(session: AsyncSession, networks: Sequence[str], partners: Sequence[str]) -> dict[str, list[Row[Any]]]:
    member = KnownMembership
    rows: Result[Any] = await session.execute(
        select(member.partner, member.valid_from, member.valid_to, member.inherits_agreements, KnownPartner.names)
        .join(KnownPartner, KnownPartner.id == member.network)
        .where(member.partner == func.any(ids(partners)), member.network == func.any(ids(networks)))
        .order_by(member.valid_from.desc())
    )
    found: dict[str, list[Row[Any]]] = {}
    for row in rows:
        found.setdefault(row.partner, []).append(row)
    return found


def _not_in_force(agreement: Row[Any], on: date) -> tuple[str, str] | None:
    if on < agreement.effective_on:
        return f"the agreement comes into force on {agreement.effective_on}", f"Choose a day from {agreement.effective_on} on"
    if agreement.expires_on is not None and on > agreement.expires_on:
        return f"the agreement ends with {agreement.expires_on}", f"Choose a day up to {agreement.expires_on}, or renew the agreement"
    return None


def _not_through(memberships: Sequence[Row[Any]], on: date) -> tuple[str, str] | None:
    """What is wrong with the newest membership of a network that is party: not yet, no longer, or it passes nothing on."""
    if not memberships:
        return None
    newest = memberships[0]
    network = said(newest.names)
    if newest.valid_to is not None and newest.valid_to < on:
        return f"its membership of {network} ends with {newest.valid_to}", f"Renew its membership of {network}"
    if newest.valid_from > on:
        return f"its membership of {network} begins on {newest.valid_from}", f"Choose a day from {newest.valid_from} on"
    lacks = f"its membership of {network} does not pass the network's agreements on (inherits_agreements: {newest.inherits_agreements})"
    return lacks, f"Let its membership of {network} inherit agreements (auto)"


def _no_tie(agreement: Row[Any], partner: str) -> tuple[str, str]:
    role = next((party["role"] for party in agreement.parties if party["partner"] == partner), None)
    if role is not None:
        return f"as {role} it looks on and is not bound by the agreement", "Leave it out of hosts and participants"
    parties = ", ".join(said(party["names"]) for party in agreement.parties if party["partner"] in agreement.bound)
    return f"it is neither a party ({parties}) nor a member of a party", "Invite only parties and members of party networks"
