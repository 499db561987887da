"""What is asked of all partners: those that every filter lets through, a page at a time."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, Text, cast, false, func, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from services.partners.registry.models import ExternalId, Partner
from services.partners.registry.names.models import fold
from services.partners.registry.views import COLUMNS, known_to, members_on, said, survivor_of
from shared.auth import Caller
from shared.sandbox import sandboxed

SHORT_WORD: Final = 3
_EXACT: Final = (Partner.kind, Partner.country, Partner.subdivision, Partner.state, Partner.verified, Partner.hosted_by)
"""The columns that hold exactly what is asked of them, under the same name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which partners a list is about; None asks nothing. ``external_id`` is (scheme, value), ``on`` the day of membership.

    ``hosted_by`` is today's host. A merged partner in ``network`` or ``hosted_by`` stands for the one that is left.
    ``renewal_by`` asks for verifications that end by that day, ``caller`` for what that one may know of.
    ``sandbox`` asks for the partners for trying out, False for the real ones.
    """

    kind: str | None = None
    country: str | None = None
    subdivision: str | None = None
    q: str | None = None
    network: str | None = None
    hosted_by: str | None = None
    on: date
    external_id: tuple[str, str] | None = None
    state: str | None = None
    verified: bool | None = None
    renewal_by: date | None = None
    caller: Caller | None = None
    sandbox: bool = False


async def partners_wanted(reader: AsyncConnection, wanted: Wanted, after: str | None, limit: int) -> list[dict[str, Any]]:
    """At most ``limit`` partners in the order of their registration, those after the id ``after``."""
    network, host = [partner and await survivor_of(reader, partner) for partner in (wanted.network, wanted.hosted_by)]
    wanted = replace(wanted, network=network, hosted_by=host)
    asked = _narrowed(select(*COLUMNS).where(known_to(wanted.caller)), wanted).order_by(Partner.id).limit(limit)
    if after is not None:
        asked = asked.where(Partner.id > after)
    return [said(row) for row in (await reader.execute(asked)).mappings()]


def _narrowed(asked: Select[Any], wanted: Wanted) -> Select[Any]:
    asked = asked.where(sandboxed(Partner.id) if wanted.sandbox else ~sandboxed(Partner.id))
    exact = {column: getattr(wanted, column.key) for column in _EXACT}
    asked = asked.where(*(column == value for column, value in exact.items() if value is not None))
    if wanted.renewal_by is not None:
        asked = asked.where(Partner.verified, Partner.verified_until <= wanted.renewal_by)
    if wanted.external_id is not None:
        scheme, value = wanted.external_id
        asked = asked.where(Partner.id.in_(select(ExternalId.partner).where(ExternalId.scheme == scheme, ExternalId.value == value)))
    if wanted.network is not None:
        asked = asked.where(Partner.id.in_(members_on(wanted.network, wanted.on)))
    if wanted.q is not None:
        asked = asked.where(*_named_like(wanted.q))
    return asked


def _named_like(q: str) -> list[ColumnElement[bool]]:
    """Every word of ``q`` is in some name: anywhere in a word, or at its beginning when ``q``'s word is short."""
    words = fold(q).split()
    if not words:
        return [false()]
    pieces = {piece for word in words for piece in _pieces(word)}
    long = [word for word in words if len(word) > SHORT_WORD]
    names = func.array_to_string(Partner.folded, "|")
    # The pieces find the candidates through the index; a long word must also hold them in its own order.
    return [Partner.grams.bool_op("@>")(_texts(sorted(pieces))), *(names.like(f"%{word}%") for word in long)]


def _pieces(word: str) -> list[str]:
    if len(word) < SHORT_WORD:
        return [f"  {word}"[-SHORT_WORD:]]
    return [word[place : place + SHORT_WORD] for place in range(len(word) - SHORT_WORD + 1)]


def _texts(texts: Sequence[str]) -> ColumnElement[Any]:
    return cast(list(texts), ARRAY(Text))
