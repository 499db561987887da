"""Subscribers over HTTP: bring one here, read one."""

from datetime import UTC, datetime

from fastapi import APIRouter, Response

from services.notifications.subscribers.commands import Person, register_subscriber
from services.notifications.subscribers.models import Address
from services.notifications.subscribers.schemas import NewSubscriber, SubscriberOut
from services.notifications.subscribers.views import subscriber_for
from shared.http import CommandRoute, Id, Reader, Reads, Session, Writes, tag

router = APIRouter(prefix="/v1/subscribers", tags=["subscribers"], route_class=CommandRoute)


@router.post("", status_code=201, response_model_exclude={"email"}, summary="Bring a subscriber here")
async def register(body: NewSubscriber, caller: Writes, session: Session, response: Response) -> SubscriberOut:
    """Register an address to be told of things; it gets a mail that asks for its owner's yes, and nothing else before that.

    An address that is known already answers with the same subscriber, whose own choices stay. A suspended or archived partner brings
    nobody (403 `partner-barred`).
    """
    person = Person(Address.of(body.email), body.language, body.timezone)
    subscriber = await register_subscriber(session, caller, person, datetime.now(UTC))
    await session.flush()
    tag(response, subscriber.version)
    response.headers["Location"] = f"/v1/subscribers/{subscriber.id}"
    return SubscriberOut.model_validate(subscriber, from_attributes=True)


@router.get("/{subscriber}", response_model_exclude_none=True, summary="Read a subscriber")
async def read(subscriber: Id, caller: Reads, reader: Reader, response: Response) -> SubscriberOut:
    """A subscriber that the caller's partner brought here; anybody else's is not found."""
    found = await subscriber_for(reader, caller, subscriber)
    tag(response, found["version"])
    return SubscriberOut.model_validate(found)
