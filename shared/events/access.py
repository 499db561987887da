"""What the partners service publishes of access: whose tokens are no longer good, and which secrets run out."""

from __future__ import annotations

from pydantic import AwareDatetime

from shared.events.event import Event


class ClientRevoked(Event, type="org.interurbe.client.revoked.v1", owner="partners"):
    """A client was revoked: tokens of it that were issued until then are to be refused. ``partner`` is none for the operator's own."""

    client: str
    partner: str | None = None
    revoked_at: AwareDatetime


class ClientExpiryWarned(Event, type="org.interurbe.client.expiry_warned.v1", owner="partners"):
    """A secret of a client runs out soon, and with its last one the client can take no token: rotate it before ``expires_at``."""

    client: str
    client_name: str
    partner: str
    names: dict[str, str]
    expires_at: AwareDatetime
