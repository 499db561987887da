"""Which subscriptions a fact matches, who may know it, and the subscriptions of one subscriber."""

from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifications.directory.views import names_of
from services.notifications.subscribers.models import Confirmation
from services.notifications.subscriptions.models import Subscription
from shared.auth import Caller
from shared.survivors import kin, kin_of, onward

# One rule in two places: when messages are made (alerts) and again when they are sent (mail). The fragments speak of a
# notice ``n``, a subscription ``s`` and a ``day`` in ``d``: the day of the fact when made, today when sent.

_VOUCHING = kin("ARRAY[s.vouched_by]")
_ON_THE_DAY = "m.valid_from <= d.day AND (m.valid_to IS NULL OR m.valid_to >= d.day)"
_NETWORKS = onward(_VOUCHING, f"known_membership m ON m.partner = here.id AND {_ON_THE_DAY}", "m.network")
_MEMBER = f"m.partner = ANY({_VOUCHING}) AND {_ON_THE_DAY}"

FITS = f"""
s.created_at <= n.occurred_at
AND (s.types = '{{}}' OR n.kind = ANY(s.types))
AND (s.partners = '{{}}' OR s.partners && n.partners)
AND (s.networks = '{{}}' OR s.networks && n.networks)
AND (s.agreements = '{{}}' OR s.agreements && n.agreements)
AND (s.lines = '{{}}' OR s.lines && n.lines)
AND (s.topics = '{{}}' OR s.topics && n.topics)
AND (s.role <> 'affected' OR s.vouched_by = ANY(n.partners) OR split_part(n.subject, '/', 1) IN ('agreement', 'exchange') AND EXISTS (
  SELECT 1 FROM known_membership m WHERE {_MEMBER} AND m.network = ANY(n.partners)))
"""  # noqa: S608 - put together from constants of this service
"""SQL: the notice is one the subscription asks for; its ``partners`` and ``networks`` are there with all ids that stand for them.

What a network agrees or does affects its members; its own affairs (who joins it, its record, its secrets) do not.
"""

MAY_SEE = f"""
(n.visibility = 'public' OR (s.vouched_by IS NOT NULL AND (
  (n.audience && {_VOUCHING} AND NOT (n.visibility <> 'network' AND n.subject LIKE 'agreement/%' AND EXISTS (
    SELECT 1 FROM known_agreement a WHERE a.id = n.agreements[1] AND NOT a.audience && {_VOUCHING})))
  OR (n.visibility = 'network' AND n.audience && {_NETWORKS}))))
"""  # noqa: S608 - as above
"""SQL: whoever vouches for the subscription may know the notice: anyone a public one; else who is in its audience, and still is in
that of the agreement it is about; of a network's notice also the network's members of the day, directly or through others. A merged
partner and the one it was merged into are one here, as long as the merge stands: it is asked again when the mail is sent."""

WAITS = "EXISTS (SELECT 1 FROM confirmation c WHERE c.id = s.confirmation_id AND c.used_at IS NULL)"
"""SQL: the subscription was made on the public page and its mail not yet answered."""


async def subscriptions_for(reader: AsyncConnection, caller: Caller, subscriber: str) -> list[dict[str, Any]]:
    """The subscriptions of a subscriber that the caller vouches for, oldest first; operators see all."""
    asked = select(Subscription.__table__).where(Subscription.subscriber_id == subscriber).order_by(Subscription.id)
    if not caller.is_admin:
        asked = asked.where(Subscription.vouched_by == func.any(kin_of([caller.partner])))
    return [dict(row) for row in (await reader.execute(asked)).mappings()]


def said_yes_to(subscriber: str) -> Select[Subscription]:
    """All subscriptions that somebody has said yes to, oldest first."""
    asked = select(Subscription).outerjoin(Confirmation, Confirmation.id == Subscription.confirmation_id)
    answered = Subscription.confirmation_id.is_(None) | Confirmation.used_at.is_not(None)
    return asked.where(Subscription.subscriber_id == subscriber, answered).order_by(Subscription.id)


async def own_subscriptions(reader: AsyncConnection, subscriber: str) -> list[dict[str, Any]]:
    """What the preferences page shows: everything somebody is told of, and the names of all partners, networks and agreements in it."""
    rows = [dict(row) for row in (await reader.execute(said_yes_to(subscriber))).mappings()]
    mentioned = {each for row in rows for kind in ("partners", "networks", "agreements") for each in row[kind]}
    names = await names_of(reader, mentioned | {row["vouched_by"] for row in rows if row["vouched_by"]})
    return [row | {"names": names} for row in rows]
