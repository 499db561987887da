"""Subscriptions over HTTP: grant, list, end."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Response

from services.notifications.subscribers.views import must_have_brought
from services.notifications.subscriptions.commands import Seen, end_subscription, grant_subscription
from services.notifications.subscriptions.schemas import FilterOut, NewSubscription, SubscriptionOut
from services.notifications.subscriptions.views import subscriptions_for
from shared.http import CommandRoute, Id, IfMatch, Page, Reader, Reads, Session, Writes, tag

router = APIRouter(prefix="/v1/subscribers/{subscriber}/subscriptions", tags=["subscriptions"], route_class=CommandRoute)


@router.post("", status_code=201, summary="Subscribe somebody to facts")
async def grant(subscriber: Id, body: NewSubscription, caller: Writes, session: Session, response: Response) -> SubscriptionOut:
    """Tell a subscriber of what matches, from now on. What is not public is told on the word of the caller's partner.

    A suspended or archived partner gives its word for nobody (403 `partner-barred`).
    """
    granted = await grant_subscription(session, caller, subscriber, body.wish(), datetime.now(UTC))
    tag(response, granted.version)
    response.headers["Location"] = f"/v1/subscribers/{subscriber}/subscriptions"
    return _told(granted.__dict__)


@router.get("", summary="List somebody's subscriptions")
async def list_(subscriber: Id, caller: Reads, reader: Reader) -> Page[SubscriptionOut]:
    """Those the caller's partner vouches for, oldest first; there are at most 100, so they come on one page."""
    await must_have_brought(reader, caller, subscriber)
    return Page(items=[_told(row) for row in await subscriptions_for(reader, caller, subscriber)])


@router.delete("/{subscription}", status_code=204, summary="End a subscription")
async def end(subscriber: Id, subscription: Id, version: IfMatch, caller: Writes, session: Session) -> None:
    """Tell the subscriber no more of it; messages that wait for no other reason are not sent.

    A suspended or archived partner ends none (403 `partner-barred`); the person does, by the link in each mail.
    """
    await end_subscription(session, caller, Seen(subscriber, subscription, version))


def _told(row: Mapping[str, Any]) -> SubscriptionOut:
    plain = {name: row[name] for name in ("id", "subscriber_id", "vouched_by", "role", "cadence", "created_at", "version")}
    return SubscriptionOut(**plain, filter=FilterOut(**{name: row[name] for name in FilterOut.model_fields}))
