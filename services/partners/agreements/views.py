"""What is asked of the agreements: one, some, a revision of one, and whether a caller may know of it at all."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Boolean, Date, Row, and_, any_, bindparam, exists, or_, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from services.partners.agreements.canonical.models import Difference, differences
from services.partners.agreements.models import Agreement
from services.partners.agreements.revisions.models import Revision, terms_of
from services.partners.mandates.models import Mandate
from services.partners.mandates.views import counts
from services.partners.networks.models import Membership
from services.partners.networks.views import held_on
from services.partners.registry.views import survivor_of
from shared.auth import Caller
from shared.db import Key
from shared.events import Visibility
from shared.refusals import NotFound
from shared.sandbox import sandboxed

_PARTNER: Final = bindparam("partner", type_=Key)
_TODAY: Final = bindparam("today", type_=Date)

_HOLDS_A_MANDATE: Final = exists().where(
    Mandate.holder == _PARTNER, Mandate.partner == any_(Agreement.party_ids), counts(_TODAY, Agreement.kind)
)
_INSIDE: Final = or_(
    bindparam("operator", type_=Boolean),
    and_(
        Agreement.party_ids.contains(bindparam("partners", type_=ARRAY(Key))),
        or_(Agreement.known_since.is_not(None), Agreement.drafted_by == _PARTNER),
    ),
    and_(Agreement.known_since.is_not(None), _HOLDS_A_MANDATE),
)
_FIRST: Final = select(Membership.network.label("id")).where(Membership.partner == _PARTNER, held_on(_TODAY)).cte("above", recursive=True)
_ABOVE: Final = _FIRST.union(select(Membership.network).join(_FIRST, Membership.partner == _FIRST.c.id).where(held_on(_TODAY)))
"""The networks that the caller belongs to today, directly or through others: as far as a network's agreements reach."""
_IN_A_NETWORK_OF_IT: Final = exists().where(_ABOVE.c.id == any_(Agreement.party_ids))
# To whoever is not in the sandbox nothing there is public.
_OF_MY_WORLD: Final = or_(bindparam("sandbox", type_=Boolean), ~sandboxed(Agreement.party_ids[1]))
_TOLD_OUTSIDE: Final = and_(
    Agreement.signed_on.is_not(None),
    or_(
        and_(Agreement.visibility == Visibility.PUBLIC, _OF_MY_WORLD), and_(Agreement.visibility == Visibility.NETWORK, _IN_A_NETWORK_OF_IT)
    ),
)
KNOWN: Final = or_(_INSIDE, _TOLD_OUTSIDE)
"""The one rule of who may read an agreement: its writer, its parties (and who acts for them) once it was put before them, and
outsiders only when it is signed and visible to them. The operator reads everything."""

_ONE: Final = select(Agreement.document, Agreement.version).where(Agreement.id == bindparam("agreement", type_=Key), KNOWN)
_LIST: Final = select(Agreement.id, Agreement.document).where(KNOWN).order_by(Agreement.id.desc())
_REVISION: Final = (
    select(Revision.__table__)
    .join(Agreement, Agreement.id == Revision.agreement)
    .where(
        Revision.agreement == bindparam("agreement", type_=Key),
        Revision.number == bindparam("number"),
        # An outsider reads what was signed, never the drafts that led there.
        or_(_INSIDE, and_(_TOLD_OUTSIDE, Revision.number == Agreement.revision)),
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """Which agreements a list is about; None asks nothing."""

    party: str | None = None
    state: str | None = None
    kind: str | None = None
    line: str | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """Who reads, and when: membership in a network, which may be what lets them, is a matter of days."""

    caller: Caller
    now: datetime

    def parameters(self) -> dict[str, Any]:
        """What the rule of who may read asks for."""
        partner = self.caller.partner
        who: dict[str, Any] = {"operator": self.caller.is_admin, "sandbox": self.caller.sandbox}
        return who | {"partner": partner, "partners": [partner], "today": self.now.date()}


def hidden() -> NotFound:
    """The one answer for an agreement that does not exist and for one the caller may not know of."""
    return NotFound("There is no such agreement among those you may see.", fix="List them with GET /v1/agreements.")


async def agreement_by_id(reader: AsyncConnection, agreement: str, reading: Reading) -> Row[str, int]:
    """The agreement's document and version, in one round trip; raises NotFound."""
    row = (await reader.execute(_ONE, {"agreement": agreement, **reading.parameters()})).one_or_none()
    if row is None:
        raise hidden()
    return row


async def agreements_sought(
    reader: AsyncConnection, reading: Reading, sought: Sought, after: str | None, limit: int
) -> Sequence[Row[str, str]]:
    """At most ``limit`` ids and documents, the newest first, those after (older than) the id ``after``."""
    asked = _LIST.limit(limit)
    if sought.party is not None:
        asked = asked.where(Agreement.party_ids.contains([await survivor_of(reader, sought.party)]))
    if sought.state is not None:
        asked = asked.where(Agreement.state == sought.state)
    if sought.kind is not None:
        asked = asked.where(Agreement.kind == sought.kind)
    if sought.line is not None:
        asked = asked.where(Agreement.lines.contains([sought.line]))
    if after is not None:
        asked = asked.where(Agreement.id < after)
    return (await reader.execute(asked, reading.parameters())).all()


async def revision_by_number(reader: AsyncConnection, agreement: str, number: int, reading: Reading) -> Row[Any]:
    """A revision's columns; raises NotFound, also for a draft revision that only insiders may read."""
    row = (await reader.execute(_REVISION, {"agreement": agreement, "number": number, **reading.parameters()})).one_or_none()
    if row is None:
        raise hidden()
    return row


def told(revision: Row[Any]) -> dict[str, Any]:
    """A revision as the API tells it, its terms taken from the very bytes behind its hash."""
    return {
        "agreement": revision.agreement,
        "number": revision.number,
        "prev_hash": revision.prev_hash,
        "terms_hash": revision.terms_hash,
        "hash_alg": revision.hash_alg,
        "terms": terms_of(revision.canonical),
        "texts": revision.texts,
        "attachments": revision.attachments,
        "proposed_by": revision.proposed_by,
        "proposed_at": revision.proposed_at.isoformat(),
    }


async def may_know(session: AsyncSession, agreement: str, reading: Reading) -> bool:
    """Whether the caller may read the agreement."""
    return (await session.execute(_ONE, {"agreement": agreement, **reading.parameters()})).one_or_none() is not None


async def changes_since(session: AsyncSession, agreement: Agreement, terms_hash: str) -> list[Difference] | None:
    """What differs between the revision with this hash and the current one; None when no revision has it."""
    either = or_(Revision.terms_hash == terms_hash, Revision.number == agreement.revision)
    asked = select(Revision.canonical).where(Revision.agreement == agreement.id, either).order_by(Revision.number)
    found = (await session.scalars(asked)).all()
    return differences(found[0], found[-1]) if len(found) > 1 else None
