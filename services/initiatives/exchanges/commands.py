"""What a partner can do with an exchange: schedule it, reschedule it, cancel it."""

from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.initiatives.directory import views as directory
from services.initiatives.directory.entitlements import views as entitlements
from services.initiatives.exchanges.calendar.models import Wall, When
from services.initiatives.exchanges.models import Basis, Exchange, Plan, must_host
from services.initiatives.exchanges.views import no_such_exchange
from shared.auth import Caller
from shared.events import Visibility
from shared.outbox import Reach, record
from shared.refusals import Invalid
from shared.standing import must_be_active


@dataclass(frozen=True, slots=True)
class Change:
    """A change that a caller asks of an exchange, on the strength of the version it has seen."""

    exchange: str
    version: int
    reason: str


async def schedule(session: AsyncSession, caller: Caller, plan: Plan, now: datetime) -> Exchange:
    """Schedule an exchange whose partners are all entitled to its line on its day, or that stands outside any agreement.

    Raises ImpossibleTime, NotYourExchange, UnknownPartner, PartnerNotActive, UnknownAgreement, Invalid and NotEntitled.
    """
    plan.when.must_be_ahead(now)
    plan.basis.must_be_whole()
    standing = await directory.standing(session, [caller.partner, *plan.partners])
    must_host(replace(caller, partner=standing[caller.partner]), [standing[host] for host in plan.hosts])
    named = await directory.names_of(session, plan.partners, now)
    await must_be_active(session, plan.partners)
    plan, names = plan.among(standing), {known.partner: known for known in named.values()}
    agreement = await _agreement_of(session, caller, plan.basis, now)
    paths = await _paths(session, agreement, list(plan.partners), (plan.basis.line, plan.when.day))
    exchange = Exchange.planned(plan, _reach(plan, agreement), paths, now)
    await record(session, exchange, exchange.scheduled(names), now=now)
    return exchange


async def reschedule(session: AsyncSession, caller: Caller, change: Change, wall: Wall, now: datetime) -> Exchange:
    """Move an exchange, on the clocks of the zone it has unless another is named; its partners must be entitled now, on the new day.

    An exchange that was scheduled stands, whoever of its partners loses its entitlement later: only a move asks anew. A partner that was
    suspended or archived since keeps its place, also when it is moved: it was named before.

    Raises NotFound, NotYourExchange, Stale, ExchangeIsOver, ImpossibleTime, Invalid and NotEntitled.
    """
    exchange = await _to_change(session, caller, change, now)
    to = When.on_the_wall(wall, exchange.timezone)
    to.must_be_ahead(now)
    exchange.must_move(to)
    names = await directory.names_of(session, dict.fromkeys(exchange.partners, "/hosts"), now)
    agreement = await directory.agreement_to_act_under(session, None, exchange.agreement, now) if exchange.agreement else None
    partners = list(dict.fromkeys(known.partner for known in names.values()))
    paths = await _paths(session, agreement, partners, (exchange.line, to.day))
    await record(session, exchange, exchange.reschedule(to, change.reason, paths, names, now), now=now)
    return exchange


async def cancel(session: AsyncSession, caller: Caller, change: Change, now: datetime) -> Exchange:
    """Call an exchange off. Raises NotFound, NotYourExchange, Stale and ExchangeIsOver."""
    exchange = await _to_change(session, caller, change, now)
    names = await directory.names_of(session, dict.fromkeys(exchange.partners, "/hosts"), now)
    await record(session, exchange, exchange.cancel(change.reason, names, now), now=now)
    return exchange


async def _to_change(session: AsyncSession, caller: Caller, change: Change, now: datetime) -> Exchange:
    seen = directory.visible_to(caller, Exchange.visibility, Exchange.audience, now.date())
    exchange = await session.scalar(select(Exchange).where(Exchange.id == change.exchange, seen))
    if exchange is None:
        raise no_such_exchange(change.exchange)
    standing = await directory.standing(session, [caller.partner, *exchange.hosts])
    exchange.may_be_changed_by(replace(caller, partner=standing[caller.partner]), standing, change.version, now)
    return exchange


async def _agreement_of(session: AsyncSession, caller: Caller, basis: Basis, now: datetime) -> Row[Any] | None:
    if basis.agreement is None:
        return None
    agreement = await directory.agreement_to_act_under(session, caller, basis.agreement, now)
    lines = [line["line"] for line in agreement.lines]
    if basis.line not in lines:
        raise Invalid(
            f"The agreement {agreement.code} has no line {basis.line}; it has {', '.join(lines) or 'none'}.",
            field="/line",
            fix="Send a line that the agreement has.",
        )
    return agreement


async def _paths(
    session: AsyncSession, agreement: Row[Any] | None, partners: list[str], use: tuple[str | None, date]
) -> list[dict[str, Any]]:
    """How each partner comes to use a line of the agreement on that day, kept with the exchange as the reason why it was allowed."""
    line, day = use
    if agreement is None or line is None:
        return []
    found = await entitlements.entitled(session, agreement, partners, entitlements.Use(line, day))
    return [asdict(found[partner]) for partner in partners]


def _reach(plan: Plan, agreement: Row[Any] | None) -> Reach:
    """As public as the agreement; hosts, participants and the parties of the agreement may know of it in any case."""
    if agreement is None:
        return Reach(plan.basis.visibility or Visibility.PARTIES, tuple(plan.partners))
    parties = (party["partner"] for party in agreement.parties)
    return Reach(Visibility(agreement.visibility), tuple(dict.fromkeys([*plan.partners, *parties])))
