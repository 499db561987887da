"""What the notifications service publishes: opaque references only, never an address."""

from __future__ import annotations

from shared.events.event import Event


class SubscriberConfirmed(Event, type="org.interurbe.subscriber.confirmed.v1"):
    """Somebody confirmed that they want to be told."""

    subscriber: str
    language: str


class SubscriberUnsubscribed(Event, type="org.interurbe.subscriber.unsubscribed.v1"):
    """Somebody no longer wants to be told anything."""

    subscriber: str
