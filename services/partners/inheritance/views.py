"""What is asked of the web of memberships: who is above and below whom, what binds them, and what they are entitled to."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any, Final

from sqlalchemy import ARRAY, CTE, Select, any_, bindparam, func, literal, select
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncSession

from services.partners.inheritance.models import Accord, BoundParty, Choice, Entitlement, InForce, Step, Tie, Touched
from services.partners.registry.models import NETWORK_KINDS, Partner
from shared.db import Key


def _given(name: str) -> Any:
    return any_(bindparam(name, type_=ARRAY(Key)))


def _closure(step_from: Any, step_to: Any) -> CTE:
    """The partners given and whatever is reached from them by ties, each once, however they are tied."""
    start = select(func.unnest(bindparam("partners", type_=ARRAY(Key)), type_=Key).label("id"))
    found = start.cte("found", recursive=True)
    return found.union(select(step_to).join(found, step_from == found.c.id))


_ABOVE: Final = _closure(Tie.member, Tie.network)
_BELOW: Final = _closure(Tie.network, Tie.member)
_NETWORKS_ABOVE: Final = select(_ABOVE.c.id)
_MEMBERS_BELOW: Final = select(_BELOW.c.id)
_STEPS_ABOVE: Final = select(Tie.membership, Tie.member, Tie.network, Tie.by_choice).where(Tie.member.in_(select(_ABOVE.c.id)))
_BINDING: Final = select(BoundParty.agreement).distinct().where(BoundParty.partner == _given("partners"))
_BOUND: Final = (
    select(func.array_agg(aggregate_order_by(BoundParty.partner, BoundParty.partner), type_=ARRAY(Key)))
    .where(BoundParty.agreement == InForce.agreement)
    .correlate(InForce)
    .scalar_subquery()
)
_ACCORDS: Final = select(InForce.agreement, InForce.lines, InForce.visibility, InForce.parties, _BOUND.label("bound")).where(
    InForce.agreement == _given("agreements")
)
_CHOICES: Final = select(Choice.agreement, Choice.membership, Choice.taken).where(
    Choice.membership == _given("memberships"), Choice.agreement == _given("agreements")
)
_ENTITLEMENTS: Final[Select[Any]] = select(Entitlement.__table__).where(
    Entitlement.partner == _given("partners"), Entitlement.agreement == _given("agreements")
)
_BENEFICIARIES: Final = select(Entitlement.partner).where(Entitlement.agreement == bindparam("agreement", type_=Key), Entitlement.held)


async def may_have_members(session: AsyncSession, partner: str) -> bool:
    """Whether the partner is of a kind that has members."""
    kind = await session.scalar(select(Partner.kind).where(Partner.id == partner))
    return kind in NETWORK_KINDS


async def networks_above(session: AsyncSession, network: str) -> list[str]:
    """The network and those that it belongs to, directly or through others."""
    return list((await session.scalars(_NETWORKS_ABOVE, {"partners": [network]})).all())


async def members_below(session: AsyncSession, partners: Sequence[str]) -> list[str]:
    """These partners and whoever belongs to them, directly or through others."""
    return list((await session.scalars(_MEMBERS_BELOW, {"partners": list(partners)})).all())


async def touched_by(session: AsyncSession, partners: Sequence[str]) -> Touched:
    """Whom the ties of these partners entitle, and the agreements that come to them or over them."""
    below = await session.scalars(_MEMBERS_BELOW, {"partners": list(partners)})
    above = await session.scalars(_NETWORKS_ABOVE, {"partners": list(partners)})
    return Touched(frozenset(below), frozenset(await agreements_binding(session, list(above))))


async def steps_above(session: AsyncSession, partners: Sequence[str]) -> list[Step]:
    """Every step that a path of one of these partners could take."""
    rows = await session.execute(_STEPS_ABOVE, {"partners": list(partners)})
    return [Step(row.membership, row.member, row.network, row.by_choice) for row in rows]


async def agreements_binding(session: AsyncSession, partners: Sequence[str]) -> list[str]:
    """The agreements in force that bind one of these partners."""
    return list((await session.scalars(_BINDING, {"partners": list(partners)})).all())


async def accords(session: AsyncSession, agreements: Sequence[str]) -> list[Accord]:
    """Those of the agreements that are in force."""
    rows = await session.execute(_ACCORDS, {"agreements": list(agreements)})
    return [
        Accord(
            agreement=row.agreement,
            lines=tuple(row.lines),
            visibility=row.visibility,
            parties=tuple(row.parties),
            bound=tuple(row.bound or ()),
        )
        for row in rows
    ]


async def choices(session: AsyncSession, memberships: Collection[str], agreements: Sequence[str]) -> dict[str, dict[str, bool]]:
    """What was decided in these memberships about these agreements: by agreement and membership."""
    found: dict[str, dict[str, bool]] = defaultdict(dict)
    if memberships:
        asked = {"memberships": list(memberships), "agreements": list(agreements)}
        for agreement, membership, taken in await session.execute(_CHOICES, asked):
            found[agreement][membership] = taken
    return found


async def entitlements(session: AsyncSession, partners: Sequence[str], agreements: Sequence[str]) -> dict[tuple[str, str], Entitlement]:
    """What is on record of these partners and agreements, by (partner, agreement); no part of the session."""
    rows = await session.execute(_ENTITLEMENTS, {"partners": list(partners), "agreements": list(agreements)})
    return {(row.partner, row.agreement): Entitlement(**row._mapping) for row in rows}  # noqa: SLF001 - SQLAlchemy's public name


async def beneficiaries(session: AsyncSession, agreement: str) -> list[str]:
    """The partners that the agreement entitles."""
    return list((await session.scalars(_BENEFICIARIES, {"agreement": agreement})).all())


async def choice_of(session: AsyncSession, membership: str, agreement: str) -> bool | None:
    """What was decided in a membership about an agreement: to take part, not to, or nothing."""
    return await session.scalar(select(Choice.taken).where(Choice.membership == literal(membership, Key), Choice.agreement == agreement))
