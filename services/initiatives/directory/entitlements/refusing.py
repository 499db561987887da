"""Why partners may not take part under an agreement on a day: for each of them what it lacks and what would help."""

from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import Result, Row, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from services.initiatives.directory.entitlements.models import KnownEntitlement, NotEntitled
from services.initiatives.directory.models import KnownMembership, KnownPartner
from services.initiatives.directory.views import ids, names_among, survivor_of
from shared.languages import text_in
from shared.survivors import kin_of

_OUTSIDE = "or flag the exchange outside_agreement and say why."
_DECIDED = {
    "membership_ended": ("a membership on its way to the agreement is over", "Renew that membership"),
    "membership_changed": ("a membership on its way to the agreement no longer passes it on", "Ask its network to let it"),
    "opted_out": ("it opted out of the agreement", "Let it opt in to the agreement"),
    "agreement_over": ("the agreement is over", "Renew the agreement"),
}


class Tie(NamedTuple):
    """A membership on a way from a partner to a party, with the names of both sides."""

    about: str
    partner: str
    names: dict[str, str]
    network_names: dict[str, str]
    valid_from: date
    valid_to: date | None
    inherits_agreements: str
    role: str


async def refusal(session: AsyncSession, agreement: Row[Any], without: Sequence[str], on: date) -> NotEntitled:
    """The refusal of these partners, in words."""
    title = f"“{text_in(agreement.titles)}” ({agreement.code})"
    names = {partner: text_in(known) for partner, known in (await session.scalar(select(names_among(ids(without)))) or {}).items()}
    told, ties = await _told(session, agreement.id, without), await _ties(session, agreement, without)
    missing = []
    for partner in without:
        lacks, fix = (
            _not_in_force(agreement, on)
            or _not_through(ties.get(partner, []), on)
            or _not_any_more(told.get(partner))
            or _no_tie(agreement, partner, ties.get(partner, []))
        )
        missing.append({"partner": partner, "name": names.get(partner, partner), "missing": lacks, "fix": fix})
    first = missing[0]
    others = f" (and {len(missing) - 1} more, see 'missing')" if len(missing) > 1 else ""
    return NotEntitled(
        f"{first['name']} may not take part under {title} on {on}: {first['missing']}{others}.",
        field="/agreement",
        fix=f"{first['fix']}, {_OUTSIDE}",
        missing=missing,
    )


async def _told(session: AsyncSession, agreement: str, partners: Sequence[str]) -> dict[str, Row[Any]]:
    """What the owner said last of these partners' entitlements."""
    known = KnownEntitlement
    asked = select(survivor_of(known.partner).label("partner"), known.held, known.reason)
    asked = asked.where(known.partner == func.any(kin_of(partners)), known.agreement == agreement)
    rows: Result[Any] = await session.execute(asked)
    return {row.partner: row for row in rows}


async def _ties(session: AsyncSession, agreement: Row[Any], partners: Sequence[str]) -> dict[str, list[Tie]]:
    """The memberships on the way that was said, and those of a network that the agreement binds, the newest first."""
    member, network, told = aliased(KnownPartner), aliased(KnownPartner), KnownEntitlement
    tie = KnownMembership
    each = (member.names, network.names.label("network_names"), tie.valid_from, tie.valid_to, tie.inherits_agreements, tie.role)
    joined = (
        select(survivor_of(tie.partner).label("about"), survivor_of(tie.partner), *each)
        .join(network, network.id == tie.network)
        .join(member, member.id == tie.partner)
    )
    direct = joined.where(tie.partner == func.any(kin_of(partners)), tie.network == func.any(kin_of(agreement.bound)))
    on_the_way = (
        select(survivor_of(told.partner).label("about"), survivor_of(tie.partner), *each)
        .join(tie, tie.id == func.any(told.memberships))
        .join(network, network.id == tie.network)
        .join(member, member.id == tie.partner)
        .where(told.partner == func.any(kin_of(partners)), told.agreement == agreement.id)
    )
    found: dict[str, list[Tie]] = {}
    for asked in (direct, on_the_way):
        for row in await session.execute(asked.order_by(tie.valid_from.desc(), tie.id)):
            found.setdefault(row.about, []).append(Tie(*row))
    return found


def _not_in_force(agreement: Row[Any], on: date) -> tuple[str, str] | None:
    if on < agreement.effective_on:
        return f"the agreement comes into force on {agreement.effective_on}", f"Choose a day from {agreement.effective_on} on"
    if agreement.expires_on is not None and on > agreement.expires_on:
        return f"the agreement ends with {agreement.expires_on}", f"Choose a day up to {agreement.expires_on}, or renew the agreement"
    return None


def _not_through(ties: Sequence[Tie], on: date) -> tuple[str, str] | None:
    """What is wrong with the memberships on the ways there are: no longer, not yet, or they pass nothing on."""
    for tie in ties:
        whose = "its membership" if tie.about == tie.partner else f"the membership of {text_in(tie.names)}"
        of = f"{whose} of {text_in(tie.network_names)}"
        if tie.valid_to is not None and tie.valid_to < on:
            return f"{of} ends with {tie.valid_to}", f"Renew {of}"
        if tie.valid_from > on:
            return f"{of} begins on {tie.valid_from}", f"Choose a day from {tie.valid_from} on"
        if tie.role == "observer":
            return f"{of} passes nothing on (role: {tie.role})", f"Let {of} be of another role"
        if tie.inherits_agreements != "auto":
            lacks = f"{of} does not pass the network's agreements on (inherits_agreements: {tie.inherits_agreements})"
            return lacks, f"Let {of} inherit agreements (auto), or let it opt in where that is its choice"
    return None


def _not_any_more(told: Row[Any] | None) -> tuple[str, str] | None:
    if told is None or told.held:
        return None
    return _DECIDED.get(told.reason, (f"its entitlement was withdrawn ({told.reason})", "Ask the partners service why"))


def _no_tie(agreement: Row[Any], partner: str, ties: Sequence[Tie]) -> tuple[str, str]:
    if partner in agreement.bound or ties:
        if agreement.state != "in_force":
            return f"the agreement is not in force yet (it will be from {agreement.effective_on} on)", "Schedule it once it is in force"
        return "its entitlement is not known here yet", "Try again in a moment"
    role = next((party["role"] for party in agreement.parties if party["partner"] == partner), None)
    if role is not None:
        return f"as {role} it looks on and is not bound by the agreement", "Leave it out of hosts and participants"
    parties = ", ".join(text_in(party["names"]) for party in agreement.parties if party["partner"] in agreement.bound)
    return f"it is neither a party ({parties}) nor a member of a party", "Invite only parties and members of party networks"
