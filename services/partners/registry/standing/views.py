"""What is asked of where partners stand: may this caller act, and may these partners be named."""

from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.partners.registry.models import Partner
from services.partners.registry.standing.models import BARRED, State
from services.partners.registry.views import PartnerRow, unknown
from shared.auth import PLATFORM, SCOPES, Caller
from shared.barring import PartnerBarred, PartnerNotActive
from shared.db import Key

_columns = Partner.__table__.c
_STANDING: Final = select(_columns.state, _columns.state_reason).where(_columns.id == bindparam("id", type_=Key))


async def must_act(session: AsyncSession, caller: Caller) -> None:
    """Refuse every change by a client of a partner that is suspended or archived; raises `PartnerBarred`."""
    if caller.partner == PLATFORM:
        return
    row = (await session.execute(_STANDING, {"id": caller.partner})).one_or_none()
    if row is not None and row.state in BARRED:
        raise PartnerBarred(row.state, row.state_reason)


async def scopes_left(session: AsyncSession, partner: str | None) -> frozenset[str]:
    """What tokens of a partner's clients (None: the operator's) may be for: an archived one none, a suspended one reading."""
    row = (await session.execute(_STANDING, {"id": partner})).one_or_none() if partner is not None else None
    if row is None or row.state not in BARRED:
        return SCOPES
    return frozenset({"read"}) if row.state == State.SUSPENDED else frozenset()


def must_be_served(known: Mapping[str, PartnerRow], partner: str) -> None:
    """Refuse to make clients of an archived partner; raises `PartnerNotActive`."""
    if known[partner].state == State.ARCHIVED:
        raise PartnerNotActive("The partner is archived.", field="/partner", fix="Name another.", partner=partner, state=State.ARCHIVED)


def must_be_active(known: Mapping[str, PartnerRow], ids: Sequence[str], *, field: str, fix: str = "Name an active partner.") -> None:
    """Refuse partners that cannot bind themselves now; ``field`` as for `known_partners`, ``fix`` for those that nobody names anew.

    Raises `PartnerNotActive`, and what `must_be_told` raises.
    """
    must_be_told(known, ids, field=field)
    for place, partner in enumerate(ids):
        state = known[partner].state
        if state != State.ACTIVE:
            raise PartnerNotActive.named(partner, state, field.format(place), fix)


def must_be_told(known: Mapping[str, PartnerRow], ids: Sequence[str], *, field: str) -> None:
    """Refuse drafts, archived ones too, as if they were not there; ``field`` as for `known_partners`. Raises `UnknownPartner`."""
    for place, partner in enumerate(ids):
        if known[partner].is_hidden:
            raise unknown(partner, field.format(place))
