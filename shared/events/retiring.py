"""What the partners service publishes of secrets that follow one another."""

from __future__ import annotations

from pydantic import AwareDatetime

from shared.events.event import Event


class ClientSecretRetired(Event, type="org.interurbe.client.secret_retired.v1", owner="partners"):
    """A secret of a client was given its end, now or ahead: from ``good_until`` on the tokens that were got with it are to be refused.

    ``secret`` is its number, which the tokens name as ``secret_number`` and which is never given again. An end may be moved to come sooner.
    ``partner`` is none for the operator's own client.
    """

    client: str
    secret: int
    partner: str | None = None
    good_until: AwareDatetime
