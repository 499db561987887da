"""What is asked of the directory: what surrounds a fact, and are these partners known."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ARRAY, Select, Text, bindparam, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from services.notifications.directory.models import RevokedClient, UnknownPartner
from shared.db import Key
from shared.events import Envelope
from shared.events.partners import Names
from shared.survivors import kin


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the directory adds to a fact: whom and which networks it touches, by all their ids, and the names of all it speaks of."""

    partners: tuple[str, ...]
    networks: tuple[str, ...]
    names: dict[str, Names]
    lines: tuple[str, ...]
    topics: tuple[str, ...]


_IDS = ARRAY(Key)

_NOW_OR_OWN = "coalesce(now.names, own.names)"
_PEOPLE = (
    "LEFT JOIN merged_partner merged ON merged.id = {0} LEFT JOIN known_partner own ON own.id = {0} "
    "LEFT JOIN known_partner now ON now.id = merged.survivor WHERE coalesce(now.names, own.names) IS NOT NULL"
)
"""SQL: the names of an id are those of the partner it stands for now."""

_TOUCHED = """ARRAY(
      SELECT k.network FROM known_membership k
      WHERE k.partner IN (SELECT id FROM meant) AND k.valid_from <= :on AND (k.valid_to IS NULL OR k.valid_to >= :on)
      UNION ALL SELECT id FROM meant)"""

_SURROUNDINGS = (
    text(
        f"""
    WITH meant AS MATERIALIZED (SELECT unnest({kin("CAST(:partners AS uuid[])")}) AS id),
    touched AS MATERIALIZED (SELECT unnest({kin(_TOUCHED)}) AS id),
    named AS (
      SELECT t.id, {_NOW_OR_OWN} AS names FROM touched t {_PEOPLE.format("t.id")}
      UNION ALL SELECT a.id, a.titles FROM known_agreement a
      WHERE a.id = :agreement
        AND (a.visibility = 'public' OR :visibility <> 'public' AND {kin("a.audience")} @> CAST(:audience AS uuid[]))
    )
    SELECT ARRAY(SELECT id FROM meant ORDER BY id) AS partners, ARRAY(SELECT id FROM touched ORDER BY id) AS networks,
           (SELECT coalesce(jsonb_object_agg(id, names), '{{}}') FROM named) AS names,
           (SELECT a.lines FROM known_agreement a WHERE a.id = :agreement) AS lines,
           (SELECT a.topics FROM known_agreement a WHERE a.id = :agreement) AS topics
    """  # noqa: S608 - put together from constants of this service
    )
    .bindparams(bindparam("partners", type_=_IDS), bindparam("agreement", type_=Key), bindparam("audience", type_=_IDS))
    .columns(partners=_IDS, networks=_IDS, names=JSONB, lines=ARRAY(Text), topics=ARRAY(Text))
)

_NAMES = (
    text(
        f"SELECT asked.id, {_NOW_OR_OWN} AS names FROM unnest(CAST(:ids AS uuid[])) AS asked(id) {_PEOPLE.format('asked.id')} UNION ALL "  # noqa: S608 - as above
        "SELECT id, titles FROM known_agreement WHERE id = ANY(:ids) AND visibility = 'public'"
    )
    .bindparams(bindparam("ids", type_=_IDS))
    .columns(id=Key, names=JSONB)
)

_UNKNOWN = text(
    "SELECT asked.id FROM unnest(CAST(:ids AS uuid[])) WITH ORDINALITY AS asked(id, place) "
    "WHERE NOT EXISTS (SELECT 1 FROM known_partner p WHERE p.id = asked.id) ORDER BY asked.place LIMIT 1"
).bindparams(bindparam("ids", type_=_IDS))


async def surroundings(session: AsyncSession, fact: Envelope, partners: Sequence[str], agreement: str | None) -> Surroundings:
    """What is known on the day of a fact around the partners it concerns and the agreement it belongs to, in one round trip.

    ``partners`` of the answer holds all ids that stand for one of those asked for, ``networks`` those of the networks that have one of
    them as a member on that day, and ``partners`` themselves, for a partner may be a network. ``lines`` and ``topics`` are those of the
    agreement; its title is named only where everybody who may know the fact may know the agreement.
    """
    asked = {
        "partners": list(partners),
        "agreement": agreement,
        "on": fact.time.date(),
        "visibility": fact.visibility,
        "audience": list(fact.audience),
    }
    row = (await session.execute(_SURROUNDINGS, asked)).one()
    return Surroundings(tuple(row.partners), tuple(row.networks), row.names, tuple(row.lines or ()), tuple(row.topics or ()))


async def names_of(reader: AsyncConnection, ids: Iterable[str]) -> dict[str, Names]:
    """The names of these partners and networks, and the titles of these agreements where they are public; the rest is left out."""
    wanted = {"ids": sorted(ids)}
    return {row.id: row.names for row in await reader.execute(_NAMES, wanted)} if wanted["ids"] else {}


async def must_be_known(session: AsyncSession, ids: Sequence[str], *, field: str) -> None:
    """Raise `UnknownPartner` for the first of ``ids`` that no partner or network known here bears."""
    if not ids:
        return
    stranger = (await session.execute(_UNKNOWN, {"ids": list(ids)})).scalar()
    if stranger is not None:
        fix = "Look the id up with GET /v1/partners of the partners service; if it is new, send the same again in a moment."
        raise UnknownPartner(f"No partner {stranger} is known here.", field=field, fix=fix, partner=str(stranger))


def revoked_since(moment: datetime) -> Select[str, datetime]:
    """The clients revoked, and the secrets ended, after the moment, and when."""
    return select(RevokedClient.id, RevokedClient.revoked_at).where(RevokedClient.revoked_at > moment)
