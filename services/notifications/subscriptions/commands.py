"""What can be done about subscriptions: grant one, ask for one on the public page, choose what to keep, end one."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications.directory.views import must_be_known
from services.notifications.subscribers.commands import Person, ask_to_confirm, behind_link, find_or_begin
from services.notifications.subscribers.models import Subscriber
from services.notifications.subscribers.views import must_have_brought
from services.notifications.subscriptions.models import MOST_SUBSCRIPTIONS, Subscription, TooManySubscriptions, Wish
from services.notifications.subscriptions.views import said_yes_to
from shared.auth import Caller
from shared.refusals import NotFound, Stale
from shared.survivors import kin_of


@dataclass(frozen=True, slots=True)
class Preferences:
    """What somebody chose on the preferences page; ``kept`` are the ids of the subscriptions that stay."""

    language: str
    timezone: str
    kept: Collection[str]


async def grant_subscription(session: AsyncSession, caller: Caller, subscriber: str, wish: Wish, now: datetime) -> Subscription:
    """Tell the subscriber of what the wish says, on the word of the caller's partner.

    Raises NotFound (a subscriber of others), `UnknownPartner`, `CadenceNotServed`, `UnknownKind`, `TooManySubscriptions` or Invalid.
    """
    await must_have_brought(session, caller, subscriber)
    await must_be_known(session, wish.filter.partners, field="/filter/partners")
    await must_be_known(session, wish.filter.networks, field="/filter/networks")
    granted = Subscription.grant(subscriber, wish, caller.partner, now)
    await _must_have_room(session, subscriber)
    session.add(granted)
    await session.flush()
    return granted


async def ask_publicly(session: AsyncSession, person: Person, wish: Wish, now: datetime) -> None:
    """Ask the owner of an address whether they want public facts by mail; what happens is the same for known and unknown addresses."""
    subscriber = await find_or_begin(session, person, now)
    asked = await ask_to_confirm(session, subscriber, now)
    await session.execute(delete(Subscription).where(Subscription.confirmation_id == asked.id))
    wanted = Subscription.grant(subscriber.id, wish, None, now)
    wanted.confirmation_id = asked.id
    session.add(wanted)
    await session.flush()


@dataclass(frozen=True, slots=True)
class Seen:
    """A subscription of a subscriber, as the caller read it: both ids, and the version from ``If-Match``."""

    subscriber: str
    subscription: str
    version: int


async def end_subscription(session: AsyncSession, caller: Caller, seen: Seen) -> None:
    """Tell the subscriber no more of it; raises NotFound for what another partner vouched for, and Stale."""
    await must_have_brought(session, caller, seen.subscriber)
    asked = select(Subscription).where(Subscription.id == seen.subscription, Subscription.subscriber_id == seen.subscriber)
    if not caller.is_admin:
        asked = asked.where(Subscription.vouched_by == func.any(kin_of([caller.partner])))
    found = (await session.execute(asked.with_for_update())).scalar_one_or_none()
    if found is None:
        raise NotFound(f"There is no subscription {seen.subscription} that you made.", fix="List those of the subscriber first.")
    if found.version != seen.version:
        raise Stale(f"The subscription has version {found.version}.", field="If-Match", fix="Read it again and decide anew.")
    await session.delete(found)
    await session.flush()


async def choose(session: AsyncSession, token: str, preferences: Preferences) -> Subscriber:
    """Write to the owner of the link as they chose, and end the subscriptions they did not keep. Raises `UnknownLink`."""
    subscriber = await behind_link(session, token)
    subscriber.prefer(preferences.language, preferences.timezone)
    for subscription in (await session.execute(said_yes_to(subscriber.id))).scalars().all():
        if subscription.id not in preferences.kept:
            await session.delete(subscription)
    await session.flush()
    return subscriber


async def _must_have_room(session: AsyncSession, subscriber: str) -> None:
    held = (await session.execute(select(func.count()).where(Subscription.subscriber_id == subscriber))).scalar_one()
    if held >= MOST_SUBSCRIPTIONS:
        raise TooManySubscriptions(f"The subscriber has {held} subscriptions.", fix="Remove one first, or widen the filter of another.")
