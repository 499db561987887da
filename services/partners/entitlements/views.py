"""What is asked of entitlements: which lines a partner may use and why, and who may use those of an agreement."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Row, Select, bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.partners.agreements.models import Agreement
from services.partners.agreements.terms.models import LINES
from services.partners.agreements.views import KNOWN, Reading, agreement_by_id
from services.partners.inheritance.models import Choice, Entitlement
from services.partners.models import plain
from services.partners.networks.days import day_of
from services.partners.networks.views import membership_by_id
from services.partners.registry.views import PartnerRow, partner_by_id, partners_named
from shared.db import Key
from shared.languages import text_in
from shared.refusals import Forbidden

WORDS: Final = {
    "es": {"member": "{partner} → miembro de {network}", "party": "{party} → parte en {agreement}", "line": "línea {letter}"},
    "en": {"member": "{partner} → member of {network}", "party": "{party} → party to {agreement}", "line": "line {letter}"},
}
"""The words of a path, in the languages that the product speaks."""

FALLBACK: Final = "en"
LETTERS: Final = dict(zip(LINES, "abcd", strict=True))

# What is under an agreement that the caller may not read does not exist for it.
_HELD: Final[Select[Any]] = (
    select(
        Entitlement.id,
        Entitlement.partner,
        Entitlement.agreement,
        Entitlement.lines,
        Entitlement.party,
        Entitlement.path,
        Entitlement.since,
        Agreement.code,
        Agreement.titles,
    )
    .join(Agreement, Agreement.id == Entitlement.agreement)
    .where(Entitlement.held, KNOWN)
)
_OF_PARTNER: Final = _HELD.where(Entitlement.partner == bindparam("whose", type_=Key)).order_by(Entitlement.agreement.desc())
_OF_AGREEMENT: Final = _HELD.where(Entitlement.agreement == bindparam("which", type_=Key)).order_by(Entitlement.partner)
_CHOSEN: Final = (
    select(Choice.agreement, Choice.taken, Choice.chosen_at, Agreement.code, Agreement.titles)
    .join(Agreement, Agreement.id == Choice.agreement)
    .where(Choice.membership == bindparam("membership", type_=Key), KNOWN)
    .order_by(Choice.agreement.desc())
)


@dataclass(frozen=True, slots=True)
class Portion:
    """Which part of a list is asked for: at most ``limit`` after the id ``after``, its names in ``language`` where they have it."""

    limit: int
    after: str | None
    language: str


async def entitlements_of(reader: AsyncConnection, partner: str, reading: Reading, portion: Portion) -> list[dict[str, Any]]:
    """What the partner may use, the newest agreement first, as far as the reader may know of it; raises NotFound without the partner."""
    asked = _OF_PARTNER.limit(portion.limit)
    if portion.after is not None:
        asked = asked.where(Entitlement.agreement < portion.after)
    rows = (await reader.execute(asked, {"whose": partner, **reading.parameters()})).all()
    if not rows:
        await partner_by_id(reader, partner, reading.caller)
    return await _told(reader, rows, portion.language)


async def beneficiaries_of(reader: AsyncConnection, agreement: str, reading: Reading, portion: Portion) -> list[dict[str, Any]]:
    """Who may use the agreement, in the order of registration; raises NotFound for one that the reader may not know of."""
    asked = _OF_AGREEMENT.limit(portion.limit)
    if portion.after is not None:
        asked = asked.where(Entitlement.partner > portion.after)
    rows = (await reader.execute(asked, {"which": agreement, **reading.parameters()})).all()
    if not rows:
        await agreement_by_id(reader, agreement, reading)
    return await _told(reader, rows, portion.language)


async def choices_of(reader: AsyncConnection, membership: str, reading: Reading, portion: Portion) -> list[dict[str, Any]]:
    """What a member decided about agreements of its network, the newest agreement first, as far as the reader may know of them.

    Raises NotFound without the membership, and Forbidden for whoever is neither the member nor its network nor the operator.
    """
    found = await membership_by_id(reader, reading.caller, membership, day_of(reading.now))
    if not reading.caller.is_admin and reading.caller.partner not in (found["partner"], found["network"]):
        raise Forbidden("What a member chose is for the member, its network and the operator.", fix="Use a client of one of the two.")
    asked = _CHOSEN.limit(portion.limit)
    if portion.after is not None:
        asked = asked.where(Choice.agreement < portion.after)
    rows = (await reader.execute(asked, {"membership": membership, **reading.parameters()})).mappings()
    return [_choice(row, portion.language) for row in rows]


def _choice(row: Mapping[Any, Any], language: str) -> dict[str, Any]:
    said = {name: value for name, value in row.items() if name != "titles"}
    return plain(said | {"title": text_in(row["titles"], language)})


async def _told(reader: AsyncConnection, rows: Sequence[Row[Any]], language: str) -> list[dict[str, Any]]:
    named = {row.partner for row in rows} | {row.party for row in rows} | {step["network"] for row in rows for step in row.path}
    known = await partners_named(reader, sorted(named)) if named else {}
    return [_item(row, known, language) for row in rows]


def _item(row: Row[Any], known: Mapping[str, PartnerRow], language: str) -> dict[str, Any]:
    names = {partner: text_in(profile.names, language) for partner, profile in known.items()}
    title = text_in(row.titles, language)
    words = WORDS.get(language.partition("-")[0], WORDS[FALLBACK])
    steps = [words["member"].format(partner=names[step["partner"]], network=names[step["network"]]) for step in row.path]
    steps.append(words["party"].format(party=names[row.party], agreement=title))
    return {
        "id": row.id,
        "partner": row.partner,
        "name": names[row.partner],
        "agreement": row.agreement,
        "code": row.code,
        "title": title,
        "party": row.party,
        "path": row.path,
        "lines": [{"line": line, "because": [*steps, words["line"].format(letter=LETTERS[line])]} for line in row.lines],
        "since": row.since.isoformat(),
    }
