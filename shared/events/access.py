"""What the partners service publishes of access: whose tokens are no longer good."""

from __future__ import annotations

from pydantic import AwareDatetime

from shared.events.event import Event


class ClientRevoked(Event, type="org.interurbe.client.revoked.v1", owner="partners"):
    """A client was revoked: tokens of it that were issued until then are to be refused. ``partner`` is none for the operator's own."""

    client: str
    partner: str | None = None
    revoked_at: AwareDatetime
